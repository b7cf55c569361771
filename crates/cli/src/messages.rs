//! The words of tables, titles and hints, in both languages: one place.

use clap::ValueEnum;

/// The language of table headers, titles and hints. Data, codes and machine formats have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// English
    En,
    /// 中文
    Zh,
}

impl Language {
    /// The one that was asked for, or the environment's: SHILU_LANG, then LC_ALL, LC_MESSAGES, LANG.
    pub fn choose(asked: Option<Language>) -> Self {
        let of = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let environment = || {
            of("SHILU_LANG")
                .or_else(|| of("LC_ALL"))
                .or_else(|| of("LC_MESSAGES"))
                .or_else(|| of("LANG"))
        };
        match asked {
            Some(language) => language,
            None if environment().is_some_and(|value| value.to_lowercase().starts_with("zh")) => Language::Zh,
            None => Language::En,
        }
    }

    /// Its tag, as HTTP names it.
    pub const fn tag(self) -> &'static str {
        match self {
            Language::En => "en",
            Language::Zh => "zh",
        }
    }

    /// A word or sentence in this language.
    pub const fn say(self, text: Text) -> &'static str {
        let (en, zh) = text.both();
        match self {
            Language::En => en,
            Language::Zh => zh,
        }
    }

    /// What to do about a row that is not taken, by its code, where this language has a sentence of its own.
    pub fn hint(self, code: &str) -> Option<&'static str> {
        match self {
            Language::En => None,
            Language::Zh => chinese_hint(code),
        }
    }

    /// The word for a wire word (status, action, outcome) in this language; the word itself where there is none.
    pub fn word(self, wire: &str) -> &str {
        match self {
            Language::En => wire,
            Language::Zh => chinese(wire).unwrap_or(wire),
        }
    }
}

/// What is wrong with a row, and what to do about it.
fn chinese_hint(code: &str) -> Option<&'static str> {
    Some(match code {
        "BAD_KEY" => "主键不合规定（为空、过长、首尾有空格，或含斜杠、控制字符、不可见字符），请更正主键",
        "BAD_VALUE" => "该值不合字段要求，请更正后再导入",
        "CELL_ERROR" => "单元格是错误值，请更正或清空",
        "CELL_FORMULA" => "单元格是公式，其结果不足为凭：请复制后以“值”粘贴",
        "CELL_MERGED" => "单元格已合并，无法判断该值属于哪一行：请取消合并并逐格填写",
        "CELL_NOT_TEXT" => "单元格是数字或日期，可能已丢失位数：请把该列设为文本格式后重新录入",
        "CELL_OUTSIDE" => "该单元格所在的列没有表头：请为该列命名，或清空单元格",
        "DUPLICATE_KEY" => "文件中前面已有相同主键的行，请只保留一行",
        "EXAMPLE_ROW" => "该行仍是模板示例的主键，请填写自己的主键，或删除该行",
        "EFFECTIVE_IN_FUTURE" => "生效时间在将来：请待其发生后再报，或检查时钟",
        "EFFECTIVE_TOO_EARLY" => "生效时间早于行动方案的最早日期，请检查年份",
        "BEFORE_COLLECTED" => "生效时间早于首次采集：请改用较晚的生效时间，或先补采集",
        "EVENT_TOO_LARGE" => "内容过长，请缩短文字，或分次提交",
        "FIELD_MISSING" => "必填字段没有值，请补填",
        "NO_SUCH_REFERENCE" => "所指的档案不存在：请先采集它，或改指其他档案",
        "REFERENCE_CYCLE" => "引用成环：请指向上级，而不是下级",
        "PLATE_TAKEN" => "该对象已有启用的标牌：请先停用或注销原标牌",
        "RECORD_VOID" => "该档案已作废：请以新的主键采集实际存在的对象",
        "VALUE_DIFFERS" => {
            "登记册中已有不同的值：若情况有变，请自变化之日起纠错；若原值从未属实，请以 origin 纠错"
        }
        "NOT_REGISTERED" => "尚未登记：请先登记，或改用较晚的生效时间",
        "ALREADY_REGISTERED" => "已经登记：无需处理，或改用其他生效时间",
        "STALE_BEFORE" | "VERSION_CONFLICT" => "档案已被他人更改：请重新读取后再定",
        _ => return None,
    })
}

fn chinese(wire: &str) -> Option<&'static str> {
    Some(match wire {
        "collect" => "采集",
        "correct" => "纠错",
        "register" => "登记",
        "deregister" => "注销",
        "verify" => "核查",
        "configure" => "配置",
        "appoint" => "任命",
        "dismiss" => "免任",
        "erase" => "销毁",
        "absent" => "无",
        "found" => "已发现",
        "collected" => "已采集",
        "registered" => "已登记",
        "deregistered" => "已注销",
        "void" => "作废",
        "present" => "在",
        "gone" => "已不在",
        "unregistered" => "未登记",
        "unknown-here" => "查无",
        "no-contact" => "未联系上",
        "refused" => "拒绝",
        "met" => "达标",
        "short" => "未达标",
        "undecided" => "未定",
        "no-error-found" => "未见差错",
        "unverified" => "未核查",
        "no-data" => "无数据",
        "too-few" => "基数过小",
        "match" => "一致",
        "left-only" => "仅左有",
        "right-only" => "仅右有",
        "equal" => "一致",
        "differs" => "不一致",
        "not-seen" => "未见",
        "announced" => "已公布",
        "waiting" => "等待公布随机数",
        "drawn" => "已抽取",
        "complete" => "已完成",
        "invalid" => "无效",
        "right" => "正确",
        "wrong" => "有误",
        "not-visited" => "未走访",
        _ => return None,
    })
}

macro_rules! texts {
    ($($name:ident: $en:literal | $zh:literal),+ $(,)?) => {
        /// Everything that is said to a person in both languages.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Text { $($name),+ }

        impl Text {
            const fn both(self) -> (&'static str, &'static str) {
                match self { $(Text::$name => ($en, $zh)),+ }
            }
        }
    };
}

texts! {
    // columns
    Record: "Record" | "档案",
    Kind: "Kind" | "类别",
    Area: "Area" | "区域",
    Status: "Status" | "状态",
    Version: "Version" | "版本",
    Effective: "Effective" | "生效时间",
    Recorded: "Recorded" | "记录时间",
    AsOf: "Known as of" | "截至",
    Field: "Field" | "字段",
    Title: "Title" | "名称",
    Value: "Value" | "值",
    Position: "Position" | "位次",
    Action: "Action" | "动作",
    Actor: "Actor" | "人员",
    Changes: "Changes" | "变更",
    Reason: "Reason" | "原因",
    Source: "Source" | "来源",
    Before: "Before" | "原值",
    Count: "Count" | "数量",
    Indicator: "Indicator" | "指标",
    Numerator: "Numerator" | "分子",
    Denominator: "Denominator" | "分母",
    Unknown: "Unknown" | "不明",
    Rate: "Rate" | "比率",
    Interval: "95 % interval" | "95 % 区间",
    Target: "Target" | "目标",
    State: "State" | "结论",
    Deadline: "Deadline" | "期限",
    AtDeadline: "At the deadline" | "期限时",
    Frame: "Frame" | "底册",
    Excess: "excess" | "超出",
    Case: "Case" | "个案",
    Aside: "Gone, counted aside" | "已不在（另计）",
    DecidedBy: "Records and events" | "档案与事件",
    Key: "Key" | "主键",
    Compared: "Outcome" | "结果",
    LeftValue: "Left" | "左",
    RightValue: "Right" | "右",
    LeftNormal: "Left as compared" | "左（比对形式）",
    RightNormal: "Right as compared" | "右（比对形式）",
    Rank: "Rank" | "名次",
    Met: "Met" | "达标数",
    Due: "Due" | "到期数",
    Unverified: "Unverified" | "未核查",
    TooFew: "Too few cases" | "基数过小",
    Score: "Score" | "得分",
    Unranked: "No rank" | "不排名",
    Alike: "Not distinguishable from so many" | "无法区分者数",
    OnFirstFrame: "on the first frame" | "按首版底册",
    Projection: "Projection" | "投影",
    Saved: "Saved = rebuilt" | "已存与重建一致",
    Events: "Events" | "事件",
    // words
    Yes: "yes" | "是",
    No: "NO" | "否",
    NoneSaved: "none saved" | "此前未存",
    NoValue: "(none)" | "（无）",
    Nothing: "nothing to show" | "没有内容",
    Simulated: "simulated clock: this is not real data" | "模拟时钟：并非真实数据",
    More: "there is more: raise --limit, or use --limit 0 for everything" | "还有更多：请调高 --limit，或用 --limit 0 显示全部",
    // import
    Collected: "collected" | "采集",
    Corrected: "corrected" | "纠错",
    Registered: "registered" | "登记",
    Deregistered: "deregistered" | "注销",
    Unchanged: "unchanged rows" | "未变行",
    Rejected: "rejected rows" | "被拒行",
    FirstPosition: "first position" | "首位次",
    LastPosition: "last position" | "末位次",
    DryRun: "dry run: nothing was written" | "试运行：未写入任何内容",
    Checking: "checking the file" | "检查文件",
    Comparing: "reading the keys" | "读取主键",
    Importing: "importing" | "导入",
    Rebuilding: "rebuilding" | "重建",
    Line: "line" | "行",
    MoreRejected: "and more" | "其余",
    NotDeregistered: "not deregistered" | "未注销",
    MadeBeforeError: "import the file again to go on; events made before the error" | "请重新导入该文件以继续；出错前已生成的事件数",
    NotRehearsed: "the rows were compared with the records and not judged by the rules: a served register judges only what it takes; with --data a dry run judges too" | "各行只与档案作了比对，未按规则判定：运行中的登记册只判定实际写入的内容；用 --data 试运行则会判定",
    ReadAsGb18030: "the file is not UTF-8; it is read as GB18030 (say so with --encoding to be sure)" | "文件不是 UTF-8，按 GB18030 读取（可用 --encoding 明确指定）",
    SheetRead: "the sheet that is read" | "读取的工作表",
    HiddenRows: "hidden rows, read like the others" | "隐藏的行（照常读取）",
    HiddenColumns: "hidden columns, read like the others" | "隐藏的列（照常读取）",
    ExampleSkipped: "the template's example was passed over, row" | "已跳过模板示例行，行号",
    UnreadableKeys: "the keys of some rows cannot be read, so no missing record was deregistered: any of them may be one of these rows" | "部分行的主键无法读取，因此未注销任何缺失的档案：它们可能就是这些行",
    // receipts, witnesses and keys
    Proved: "Proved" | "已证明",
    NotProved: "Not proved" | "未证明",
    NotProvedTruth: "That what the event says is true: only that it was recorded so." | "事件所述属实：只证明确曾如此记录。",
    NotProvedNewest: "That this is the newest state of the record: later events may have changed it." | "这是档案的最新状态：之后的事件可能已将其更改。",
    NotProvedActor: "That the actor named said so: the register says it of them." | "所署人员确曾如此申报：这只是登记册的记载。",
    NoWitnessNamed: "That all see the same history: no witness was named, so the operator could show somebody else another one." | "所有人看到的是同一历史：未指定见证人，运营者可能向他人出示另一份历史。",
    NoWitnessCosigned: "That all see the same history: no witness cosigned, so the operator could show somebody else another one." | "所有人看到的是同一历史：没有见证人连署，运营者可能向他人出示另一份历史。",
    TheRegister: "the register" | "登记册",
    FieldVisit: "field visit" | "现场走访",
    Outcome: "Outcome" | "核查结论",
    Observed: "Observed" | "所见",
    Because: "Because" | "注销事由",
    Device: "Device" | "设备",
    CausedBy: "Caused by" | "起因事件",
    EventId: "Event" | "事件",
    Signature: "Signature" | "签名",
    Witness: "witness" | "见证人",
    NoLogs: "it knows no log yet: name one with --log VKEY" | "尚无日志：请用 --log VKEY 指定",
    KeyMade: "made the key" | "已建立密钥",
    PerhapsTheKeyField: "it holds the record's key; if it is the key field, leave it out and sign again, else the register refuses the signature" | "其值即档案主键；若它是主键字段，请删去后重新签名，否则登记册将拒绝此签名",
    // simulation
    Simulating: "simulating" | "模拟",
    Demonstration: "demonstration, all of it invented" | "演示，内容均为虚构",
    TruthWritten: "what is really so" | "真实情况",
    Staff: "People at work" | "工作人员数",
    Samples: "Samples" | "抽查数",
    Visits: "Visits to what was drawn" | "抽查走访次数",
    Seed: "Seed" | "种子",
    // plates
    Number: "Number" | "编号",
    CheckCharacter: "Check character" | "校验码",
    ShouldBe: "Should be" | "应为",
    RightNumber: "right" | "正确",
    WrongNumber: "WRONG" | "错误",
    OtherNumber: "not of the form SL-XXXXXXX-C" | "不是 SL-XXXXXXX-C 格式",
    PlatesDrawn: "plates written" | "已输出标牌数",
    NotActive: "the plate is not active: it counts as no thing's" | "该标牌未启用：不计入任何对象",
    NoPlace: "without a place the scan counts for no rate that asks for somebody on site" | "未提供位置：不计入要求到场的指标",
    // samples
    Sample: "Sample" | "抽查",
    SampleNumber: "No." | "次序",
    SampleDrawAt: "Drawn at" | "抽取时间",
    SampleAnnounced: "Announced" | "公布",
    SampleEntropy: "Outside entropy" | "外部随机源",
    SampleRevealed: "Revealed" | "已揭示",
    SampleSeed: "Seed" | "种子",
    SampleLabel: "Note" | "注意",
    SampleSettled: "Settled" | "已结",
    SampleAnswersMissing: "answers missing" | "待补问",
    SampleHeldFrom: "drawn from the published checkpoint that covers the announced time; the announcement is in every checkpoint of at least this size" | "将以覆盖抽取时间的已公布检查点抽取；凡不小于此大小的检查点均含本公布",
    SampleEntered: "events taken" | "已记录事件",
    SampleAsk: "registered here and not on the list: ask where they are, and enter it with --step revealed" | "登记在此而名单上没有：请询问去向，并用 --step revealed 录入",
    SampleStray: "visited for this sample and not drawn, so not counted" | "为本次抽查走访但未抽中，不计入",
    SampleSame: "the draw was made again from the log and holds; events read" | "已据日志重新抽取，结果成立；读取事件",
    Stratum: "Stratum" | "层",
    Population: "In scope" | "总体",
    Drawn: "Drawn" | "抽中",
    Verifier: "Verifier" | "核查人",
    Recheck: "Checked again by" | "复核人",
    Attempts: "Failed attempts" | "未遇次数",
    Finding: "Counts as" | "认定",
    // other
    LeftOut: "left out" | "未导出",
    Made: "made the register" | "已建立登记册",
    ClockAccepted: "the clock is accepted" | "已接受当前时钟",
    CampaignChanged: "the campaign is changed, as event" | "行动方案已变更，事件",
    OnlyTheForm: "the two differ in comments, order or form alone" | "两者仅在注释、顺序或书写形式上不同",
    Hint: "hint" | "提示",
    Error: "error" | "错误",
    Cause: "cause" | "起因",
    Note: "note" | "注意",
    // the evidence
    KeyRotated: "the key was changed; the next checkpoint carries both signatures: keep a copy of the file `key`" | "密钥已更换；下一检查点带新旧两个签名：请妥善保管文件 key",
    KeyPrepared: "the key is prepared, and not in force yet: give it to every witness (--log), then use `shilu key rotate`" | "密钥已备妥，尚未生效：请先告知每位见证人（--log），再使用 shilu key rotate",
    TellWitnesses: "these witnesses cosign nothing more until they know the new key (--log); without the quorum nothing is published" | "下列见证人在获知新密钥（--log）之前不再连署；不足法定数则不公布任何内容",
    KnowPrepared: "these witnesses must know it by now" | "下列见证人应已获知",
    KeyLost: "the key was changed without the old one: tell everybody who trusts the old key" | "旧密钥已失，密钥已更换：请告知所有信任旧密钥的人",
    KeyAdmitted: "Admitted" | "已准入",
    KeyWithdrawn: "Withdrawn" | "已撤销",
    Verifying: "Verifying" | "审计",
    BackingUp: "Copying" | "备份",
    Restoring: "Restoring" | "恢复",
    Written: "Written" | "已写入",
    FilesCopied: "Files copied" | "复制文件数",
    Checked: "Checked" | "已核验",
    Log: "Log" | "日志",
    Unpublished: "Not yet published" | "尚未公布",
    Records: "Records" | "档案数",
    ActorSignatures: "Actors' signatures" | "人员签名",
    Tiles: "Tiles" | "哈希块",
    Bundles: "Bundles" | "事件包",
    ActorKeys: "Actors' keys, on the register's word alone" | "人员密钥（仅凭登记册所述）",
    BeyondCheckpoint: "after the newest checkpoint, so that nobody vouches for them yet, are the positions" | "在最新检查点之后、尚无人作证的位次：",
    ClocksNotCompared: "simulated clock: recorded times were not compared with the witnesses' clocks" | "模拟时钟：记录时间未与见证人的时钟比对",
    CheckpointSize: "Checkpoint size" | "检查点大小",
    CheckpointRoot: "Checkpoint root" | "检查点根",
    SignedBy: "Signed by" | "签名密钥",
    KeyChanges: "Changes of the key" | "密钥更换",
    Campaigns: "Campaigns" | "行动方案数",
    CosignedBy: "Cosigned" | "连署",
    Continues: "Continues the checkpoint of size" | "延续较早检查点，大小",
    ProjectionsSame: "Saved projections that equal rebuilt ones" | "与重建一致的投影",
    FirstRecorded: "First recorded" | "首条记录时间",
    LastRecorded: "Last recorded" | "末条记录时间",
    NotRestored: "Not restored" | "未恢复",
    LostPositions: "acknowledged and not published, so not restored: positions" | "已确认但未公布，故未恢复，位次",
    BackupHasNoKey: "the signing key is not in a backup: keep a copy of the file `key` in a safe place" | "备份不含签名密钥：请另行妥善保管文件 key",
    KeyNotPinned: "the key was taken from the register itself: give the one you know with --key" | "密钥取自登记册本身：请用 --key 给出您所知的公钥",
    NobodyElse: "no witness and no earlier checkpoint was named: another history may have been shown to others" | "未指定见证人或较早检查点：他人所见的历史可能不同",
    RestoredWithoutKey: "there was no signing key: put the file `key` back, or use `shilu key rotate --lost`" | "没有签名密钥：请放回文件 key，或使用 shilu key rotate --lost",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_speak() {
        assert_eq!(Language::En.say(Text::Record), "Record");
        assert_eq!(Language::Zh.say(Text::Record), "档案");
        assert_eq!(Language::Zh.word("registered"), "已登记");
        assert_eq!(Language::Zh.word("street"), "street");
    }
}
