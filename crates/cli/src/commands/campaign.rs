//! `shilu campaign`: the campaigns that come with the program, and the check of any campaign file.

use std::{fs, io::ErrorKind, path::Path};

use shilu_engine::{EngineError, projections::campaigns};
use shilu_model::{Campaign, CampaignError};

use crate::{Done, args::CampaignArgs, error::CliError, output::Output};

/// Runs it.
pub fn run(args: &CampaignArgs) -> Done {
    let text = read(&args.campaign)?;
    let mut output = Output::stdout();
    if args.check {
        let campaign = Campaign::parse(&text).map_err(EngineError::BadCampaign)?;
        output.bytes(campaign.outline().as_bytes())?;
    } else {
        output.bytes(text.as_bytes())?;
    }
    output.flush()
}

/// The text of a campaign: of a file or, where there is none of that name, of one that comes with the program.
pub fn read(campaign: &Path) -> Result<String, CliError> {
    let bytes = match fs::read(campaign) {
        Ok(bytes) => bytes,
        Err(error) => {
            let shipped = campaign.to_str().and_then(campaigns::named);
            return match shipped.filter(|_| error.kind() == ErrorKind::NotFound) {
                Some(text) => Ok(text.to_owned()),
                None => Err(CliError::io("read", campaign, error)),
            };
        }
    };
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = error
            .as_bytes()
            .get(..error.utf8_error().valid_up_to())
            .unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        EngineError::BadCampaign(CampaignError {
            line,
            column: 1,
            problem: "the file is not UTF-8".to_owned(),
        })
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
