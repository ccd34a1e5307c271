//! The configuration: arguments and a file of `key = value` lines in, settings out.

use std::fmt;
use std::io;
use std::num::{ParseFloatError, ParseIntError};
use std::path::{Path, PathBuf};

/// What can be set. The arguments win over the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub port: u16,
    /// The acquirer's port; by default the one after the gateway's own.
    pub acquirer: Option<u16>,
    pub data: PathBuf,
    pub request_log: Option<PathBuf>,
    pub token_key: String,
    pub rate: f64,
    pub burst: f64,
    pub decline_from: u32,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            port: 8_080,
            acquirer: None,
            data: PathBuf::from("data"),
            request_log: None,
            token_key: "development key".to_owned(),
            rate: 100.0,
            burst: 200.0,
            decline_from: 700,
        }
    }
}

/// What is wrong with the arguments or the file.
#[derive(Debug)]
pub enum ConfigError {
    Io(io::Error),
    Int(ParseIntError),
    Float(ParseFloatError),
    Line { number: usize, text: String },
    Key(String),
    Value(String),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::Io(error) => write!(f, "the configuration cannot be read: {error}"),
            ConfigError::Int(error) => write!(f, "a whole number is expected: {error}"),
            ConfigError::Float(error) => write!(f, "a number is expected: {error}"),
            ConfigError::Line { number, text } => write!(f, "line {number} is not of the form key = value: {text}"),
            ConfigError::Key(key) => write!(f, "unknown setting: {key}"),
            ConfigError::Value(key) => write!(f, "{key} needs a value"),
        }
    }
}

impl std::error::Error for ConfigError {}

impl From<io::Error> for ConfigError {
    fn from(error: io::Error) -> Self {
        ConfigError::Io(error)
    }
}

impl From<ParseIntError> for ConfigError {
    fn from(error: ParseIntError) -> Self {
        ConfigError::Int(error)
    }
}

impl From<ParseFloatError> for ConfigError {
    fn from(error: ParseFloatError) -> Self {
        ConfigError::Float(error)
    }
}

impl Config {
    /// Reads `--key value` arguments; `--config FILE` is read first, wherever it stands.
    pub fn from_args(args: &[String]) -> Result<Config, ConfigError> {
        let mut config = Config::default();
        let pairs = match pairs(args) {
            Ok(pairs) => pairs,
            Err(error) => return Err(error),
        };
        for (key, value) in &pairs {
            if key == "config" {
                match config.read_file(Path::new(value)) {
                    Ok(()) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        for (key, value) in &pairs {
            if key != "config" {
                config.set(key, value)?;
            }
        }
        Ok(config)
    }

    /// The acquirer's port.
    pub fn acquirer_port(&self) -> u16 {
        self.acquirer.unwrap_or(self.port.wrapping_add(1))
    }

    fn read_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => return Err(error.into()),
        };
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Some((key, value)) = line.split_once('=') else {
                return Err(ConfigError::Line { number: index + 1, text: line.to_owned() });
            };
            self.set(key.trim(), value.trim())?;
        }
        Ok(())
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), ConfigError> {
        match key {
            "port" => self.port = int(value)?,
            "acquirer" => self.acquirer = Some(int(value)?),
            "data" => self.data = PathBuf::from(value),
            "request-log" => self.request_log = Some(PathBuf::from(value)),
            "token-key" => self.token_key = value.to_owned(),
            "rate" | "burst" => self.set_limit(key, value)?,
            "decline-from" => self.decline_from = u32::from(int(value)?),
            _ => return Err(ConfigError::Key(key.to_owned())),
        }
        Ok(())
    }

    fn set_limit(&mut self, key: &str, value: &str) -> Result<(), ConfigError> {
        let number = match value.parse::<f64>() {
            Ok(number) => number,
            Err(error) => return Err(ConfigError::from(error)),
        };
        if key == "rate" {
            self.rate = number;
        } else {
            self.burst = number;
        }
        Ok(())
    }
}

fn int(value: &str) -> Result<u16, ConfigError> {
    let number = match value.parse::<u16>() {
        Ok(number) => number,
        Err(error) => return Err(ConfigError::from(error)),
    };
    Ok(number)
}

/// Splits arguments into keys without their dashes, and values.
fn pairs(args: &[String]) -> Result<Vec<(String, String)>, ConfigError> {
    let mut pairs = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let key = arg.strip_prefix("--").ok_or_else(|| ConfigError::Key(arg.clone()))?;
        let value = args.next().ok_or_else(|| ConfigError::Value(arg.clone()))?;
        pairs.push((key.to_owned(), value.clone()));
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    fn parse(args: &str) -> Result<Config, ConfigError> {
        let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
        Config::from_args(&args)
    }

    #[test]
    fn without_arguments_the_defaults_hold() {
        let config = parse("").unwrap();
        assert_eq!(config, Config::default());
        assert_eq!((config.port, config.acquirer_port()), (8_080, 8_081));
    }

    #[test]
    fn arguments_set_what_they_name() {
        let config =
            parse("--port 9000 --acquirer 7 --data d --request-log l --rate 2.5 --burst 4 --token-key k").unwrap();
        assert_eq!((config.port, config.acquirer_port()), (9_000, 7));
        assert_eq!((config.data.as_path(), config.request_log.as_deref()), (Path::new("d"), Some(Path::new("l"))));
        assert_eq!((config.rate, config.burst, config.token_key.as_str()), (2.5, 4.0, "k"));
        assert_eq!(parse("--decline-from 300").unwrap().decline_from, 300);
    }

    #[test]
    fn a_file_is_read_and_the_arguments_win() {
        let scratch = Scratch::new();
        let path = scratch.file("gateway.conf");
        std::fs::write(&path, "# a comment\n\nport = 1\n burst=9 \n").unwrap();
        let config = parse(&format!("--port 2 --config {}", path.display())).unwrap();
        assert_eq!((config.port, config.burst), (2, 9.0));
    }

    #[test]
    fn a_line_without_an_equals_sign_is_named() {
        let scratch = Scratch::new();
        let path = scratch.file("gateway.conf");
        std::fs::write(&path, "port = 1\nburst\n").unwrap();
        let error = parse(&format!("--config {}", path.display())).unwrap_err();
        assert_eq!(error.to_string(), "line 2 is not of the form key = value: burst");
    }

    #[test]
    fn mistakes_are_named() {
        let messages = [
            ("--port x", "a whole number is expected: invalid digit found in string"),
            ("--port 70000", "a whole number is expected: number too large to fit in target type"),
            ("--rate x", "a number is expected: invalid float literal"),
            ("--colour red", "unknown setting: colour"),
            ("port 1", "unknown setting: port"),
            ("--port", "--port needs a value"),
        ];
        for (args, message) in messages {
            assert_eq!(parse(args).unwrap_err().to_string(), message);
        }
        let error = parse("--config /does/not/exist").unwrap_err().to_string();
        assert!(error.starts_with("the configuration cannot be read: "), "{error}");
    }
}
