//! The campaigns that shilu brings along, to be used as they are or copied and edited.

/// The three-reals campaign (一标三实) of a township in 2015.
const THREE_REALS: &str = include_str!("../campaigns/three-reals.toml");

/// The names of the campaigns that are brought along.
pub const NAMES: [&str; 1] = ["three-reals"];

/// The text of a campaign that is brought along.
pub fn named(name: &str) -> Option<&'static str> {
    match name {
        "three-reals" => Some(THREE_REALS),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shilu_model::Campaign;

    use super::*;

    #[test]
    fn each_name_has_a_campaign_that_compiles() {
        for name in NAMES {
            Campaign::parse(named(name).unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        assert_eq!(named("four-reals"), None);
    }

    #[test]
    fn every_indicator_of_three_reals_has_its_shape() {
        insta::assert_snapshot!(Campaign::parse(THREE_REALS).unwrap().outline());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        /// One line deleted, repeated, moved or altered: either that is a campaign too, or the mistake has a place.
        #[test]
        fn a_changed_line_is_taken_or_named(
            at in any::<prop::sample::Index>(),
            other in any::<prop::sample::Index>(),
            how in 0..4,
            cut in any::<prop::sample::Index>(),
            with in "[\\PC]{0,3}",
        ) {
            let mut lines: Vec<String> = THREE_REALS.lines().map(str::to_owned).collect();
            let (at, other) = (at.index(lines.len()), other.index(lines.len()));
            match how {
                0 => {
                    lines.remove(at);
                }
                1 => lines.insert(other, lines[at].clone()),
                2 => lines.swap(at, other),
                _ => {
                    let place = lines[at].floor_char_boundary(cut.index(lines[at].len() + 1));
                    lines[at].insert_str(place, &with);
                }
            }
            if let Err(error) = Campaign::parse(&lines.join("\n")) {
                let line = lines.get(error.line - 1).map_or(0, |line| line.chars().count());
                // An error at the end of a file stands after its last character.
                prop_assert!(error.line <= lines.len() + 1 && error.column <= line + 2, "{}", error);
                prop_assert!(!error.problem.is_empty());
            }
        }
    }
}
