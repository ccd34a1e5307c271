//! Everything that can go wrong while a payment is authorized, with the HTTP status that tells the merchant so.

use std::fmt;
use std::io;

use crate::acquirer::AcquirerError;
use crate::auth::AuthError;
use crate::validate::ValidationError;

/// The error type of the gateway's own functions.
#[derive(Debug)]
pub enum GatewayError {
    /// The bearer token is missing, forged or expired.
    Auth(AuthError),
    /// The order breaks one of the gateway's rules.
    Validation(ValidationError),
    /// The body is not the JSON that the API documents.
    Json(serde_json::Error),
    /// A log or a journal could not be written.
    Io(io::Error),
    /// The connection broke before the whole body had arrived.
    Body(hyper::Error),
    /// The body is larger than the gateway accepts.
    TooLarge { limit: usize },
    /// The merchant sends more requests than agreed.
    RateLimited { merchant: String },
    /// A currency that the gateway does not settle.
    Currency(String),
    /// The acquirer could not be reached or refused to answer.
    Acquirer(AcquirerError),
    /// A ledger posting that does not balance.
    Unbalanced { debit: u64, credit: u64 },
    /// The idempotency key was used before, for another order.
    KeyReused { key: String },
    /// No such path or method.
    NotFound,
}

impl GatewayError {
    /// The HTTP status that this error is answered with.
    pub fn status(&self) -> u16 {
        match self {
            GatewayError::Auth(_) => 401,
            GatewayError::Validation(_) | GatewayError::Currency(_) => 422,
            GatewayError::Json(_) | GatewayError::Body(_) => 400,
            GatewayError::TooLarge { .. } => 413,
            GatewayError::RateLimited { .. } => 429,
            GatewayError::KeyReused { .. } => 409,
            GatewayError::NotFound => 404,
            GatewayError::Acquirer(_) => 502,
            GatewayError::Io(_) | GatewayError::Unbalanced { .. } => 500,
        }
    }

    /// A short, stable word that merchants can switch on.
    pub fn code(&self) -> &'static str {
        match self {
            GatewayError::Auth(_) => "unauthorized",
            GatewayError::Validation(_) => "invalid_order",
            GatewayError::Json(_) => "malformed_json",
            GatewayError::Io(_) => "storage_failure",
            GatewayError::Body(_) => "incomplete_body",
            GatewayError::TooLarge { .. } => "body_too_large",
            GatewayError::RateLimited { .. } => "rate_limited",
            GatewayError::Currency(_) => "unknown_currency",
            GatewayError::Acquirer(_) => "acquirer_unavailable",
            GatewayError::Unbalanced { .. } => "ledger_unbalanced",
            GatewayError::KeyReused { .. } => "key_reused",
            GatewayError::NotFound => "not_found",
        }
    }
}

impl fmt::Display for GatewayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GatewayError::Auth(error) => write!(f, "{error}"),
            GatewayError::Validation(error) => write!(f, "{error}"),
            GatewayError::Json(error) => write!(f, "the body is not a valid order: {error}"),
            GatewayError::Io(error) => write!(f, "a log could not be written: {error}"),
            GatewayError::Body(error) => write!(f, "the body did not arrive: {error}"),
            GatewayError::TooLarge { limit } => write!(f, "the body is larger than {limit} bytes"),
            GatewayError::RateLimited { merchant } => write!(f, "merchant {merchant} is over its rate limit"),
            GatewayError::Currency(code) => write!(f, "currency {code} is not settled here"),
            GatewayError::Acquirer(error) => write!(f, "{error}"),
            GatewayError::Unbalanced { debit, credit } => {
                write!(f, "the postings do not balance: debit {debit}, credit {credit}")
            }
            GatewayError::KeyReused { key } => write!(f, "idempotency key {key} belongs to another order"),
            GatewayError::NotFound => write!(f, "no such resource"),
        }
    }
}

impl std::error::Error for GatewayError {}

impl From<AuthError> for GatewayError {
    fn from(error: AuthError) -> Self {
        GatewayError::Auth(error)
    }
}

impl From<ValidationError> for GatewayError {
    fn from(error: ValidationError) -> Self {
        GatewayError::Validation(error)
    }
}

impl From<AcquirerError> for GatewayError {
    fn from(error: AcquirerError) -> Self {
        GatewayError::Acquirer(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn io_error() -> GatewayError {
        GatewayError::Io(io::Error::other("disk full"))
    }

    fn json_error() -> GatewayError {
        GatewayError::Json(serde_json::from_str::<u32>("x").unwrap_err())
    }

    #[test]
    fn each_error_has_its_status_and_code() {
        let cases = [
            (GatewayError::from(AuthError::Missing), 401, "unauthorized"),
            (GatewayError::from(ValidationError::Empty), 422, "invalid_order"),
            (json_error(), 400, "malformed_json"),
            (io_error(), 500, "storage_failure"),
            (GatewayError::TooLarge { limit: 9 }, 413, "body_too_large"),
            (GatewayError::RateLimited { merchant: "m".into() }, 429, "rate_limited"),
            (GatewayError::Currency("XXX".into()), 422, "unknown_currency"),
            (GatewayError::from(AcquirerError::Exhausted { attempts: 3 }), 502, "acquirer_unavailable"),
            (GatewayError::Unbalanced { debit: 1, credit: 2 }, 500, "ledger_unbalanced"),
            (GatewayError::KeyReused { key: "k".into() }, 409, "key_reused"),
            (GatewayError::NotFound, 404, "not_found"),
        ];
        for (error, status, code) in cases {
            assert_eq!((error.status(), error.code()), (status, code), "{error}");
        }
    }

    #[test]
    fn messages_say_what_went_wrong() {
        assert_eq!(io_error().to_string(), "a log could not be written: disk full");
        assert_eq!(json_error().to_string(), "the body is not a valid order: expected value at line 1 column 1");
        assert_eq!(GatewayError::TooLarge { limit: 10 }.to_string(), "the body is larger than 10 bytes");
        assert_eq!(
            GatewayError::Unbalanced { debit: 1, credit: 2 }.to_string(),
            "the postings do not balance: debit 1, credit 2"
        );
        assert_eq!(
            GatewayError::RateLimited { merchant: "m-1".into() }.to_string(),
            "merchant m-1 is over its rate limit"
        );
        assert_eq!(GatewayError::Currency("XAU".into()).to_string(), "currency XAU is not settled here");
        assert_eq!(
            GatewayError::KeyReused { key: "k-1".into() }.to_string(),
            "idempotency key k-1 belongs to another order"
        );
    }
}
