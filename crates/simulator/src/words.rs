//! Invented names of people, roads and firms, put together from single characters.

use crate::random::Random;

const SURNAMES: [&str; 40] = [
    "陈", "王", "徐", "张", "林", "周", "吴", "沈", "朱", "章", "俞", "钱", "孙", "何", "倪", "罗", "冯",
    "田", "柯", "金", "阮", "严", "潘", "丁", "叶", "余", "宋", "任", "姚", "胡", "夏", "杜", "袁", "高",
    "谢", "许", "郑", "蒋", "韩", "杨",
];
const GIVEN: [&str; 64] = [
    "禾", "溪", "岚", "澄", "望", "栖", "砚", "渔", "苇", "槿", "棠", "屿", "朔", "澜", "衡", "乔", "瑾",
    "珩", "筱", "茗", "桐", "汀", "麦", "石", "松", "柏", "雁", "舟", "帆", "禹", "稻", "菱", "荷", "藕",
    "桑", "蚕", "锦", "绫", "织", "机", "轩", "廷", "安", "宁", "和", "顺", "昌", "明", "清", "远", "山",
    "海", "春", "夏", "秋", "冬", "晨", "暮", "星", "月", "云", "霞", "泉", "源",
];
const STEMS: [&str; 24] = [
    "柳", "荷", "稻", "菱", "桑", "苇", "枫", "竹", "梅", "杏", "槐", "莲", "棉", "麦", "桃", "橘", "茶",
    "松", "榆", "樟", "栀", "蓼", "芦", "菖",
];
const WATERS: [&str; 20] = [
    "溪", "塘", "桥", "渡", "湾", "浦", "泾", "堰", "埠", "荡", "洲", "岸", "汇", "港", "渚", "潭", "池",
    "井", "泽", "坞",
];
const TRADE_NAMES: [&str; 24] = [
    "禾润",
    "澄和",
    "苇航",
    "栖霞",
    "望春",
    "锦织",
    "菱歌",
    "桐荫",
    "汀兰",
    "稻香里",
    "雁行",
    "舟山渡",
    "筱竹",
    "茗溪",
    "槿园",
    "屿风",
    "朔方",
    "砚田",
    "棠棣",
    "珩玉",
    "荷塘",
    "桑梓",
    "麦浪",
    "松涛",
];

/// A person's name, as places in the lists above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    surname: u8,
    first: u8,
    second: Option<u8>,
}

impl Name {
    /// A new one.
    pub fn invent(random: &mut Random) -> Self {
        Name {
            surname: place(random, SURNAMES.len()),
            first: 0,
            second: None,
        }
        .given(random)
    }

    /// Another person of the same family.
    pub fn relative(self, random: &mut Random) -> Self {
        self.given(random)
    }

    fn given(self, random: &mut Random) -> Self {
        let first = place(random, GIVEN.len());
        let second = random.chance(720).then(|| place(random, GIVEN.len()));
        Name {
            first,
            second,
            ..self
        }
    }

    /// As somebody wrote it who heard it wrong.
    pub fn misheard(self) -> Self {
        let next = u8::try_from((usize::from(self.first) + 1) % GIVEN.len()).unwrap_or(0);
        Name { first: next, ..self }
    }

    /// The text.
    pub fn text(self) -> String {
        let given = |place: u8| word(&GIVEN, place);
        format!(
            "{}{}{}",
            word(&SURNAMES, self.surname),
            given(self.first),
            self.second.map_or("", given)
        )
    }
}

/// The name of the road of a number; different numbers below 480 have different names.
pub fn road(number: u32) -> String {
    let stems = u32::try_from(STEMS.len()).unwrap_or(1);
    let waters = u32::try_from(WATERS.len()).unwrap_or(1);
    let word = |from: &[&'static str], number: u32| {
        from.get(usize::try_from(number).unwrap_or(0))
            .copied()
            .unwrap_or_default()
    };
    let ring = number / (stems * waters);
    let stem = word(&STEMS, number % stems);
    let water = word(&WATERS, (number / stems) % waters);
    match ring {
        0 => format!("{stem}{water}路"),
        ring => format!("{stem}{water}{ring}弄"),
    }
}

/// The name of a unit of a trade; `number` keeps two of them apart.
pub fn unit(name: u8, number: u32, trade: &str) -> String {
    let ending = match trade {
        "hazardous" => "化工经营部",
        "entertainment" => "歌舞厅",
        "video-games" => "电玩城",
        "sauna" => "浴场",
        "hairdressing" => "理发店",
        "foot-massage" => "足浴店",
        "net-cafe" => "网吧",
        "chess-cards" => "棋牌室",
        "hotel" => "旅馆",
        "pawn" => "典当行",
        "seal" => "刻章店",
        "locksmith" => "锁具店",
        "parcel" => "快递点",
        "second-hand" => "旧货店",
        "gold" => "金饰店",
        "vehicle-repair" => "汽修厂",
        "school" => "学校",
        "hospital" => "诊所",
        "station" => "车站",
        "shop" => "商店",
        "restaurant" => "饭店",
        "factory" => "织造厂",
        _ => "经营部",
    };
    format!("{}{ending}（{number}）", word(&TRADE_NAMES, name))
}

/// How many names of units there are.
pub const UNIT_NAMES: usize = TRADE_NAMES.len();

/// A place in a list, at random.
pub fn place(random: &mut Random, of: usize) -> u8 {
    u8::try_from(random.below(u64::try_from(of).unwrap_or(1))).unwrap_or(0)
}

fn word(from: &[&'static str], place: u8) -> &'static str {
    from.get(usize::from(place)).copied().unwrap_or_default()
}
