//! Bearer tokens: a merchant, an expiry and a signature in, the merchant out.

use std::fmt;

use crate::crypto;

/// How often the signature is stretched.
const ROUNDS: u32 = 1_400;

/// Signs and verifies the tokens of merchants.
pub struct Authenticator {
    key: Vec<u8>,
}

/// Why a token was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthError {
    Missing,
    Malformed,
    BadExpiry,
    Expired { expiry: u64 },
    BadSignature,
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AuthError::Missing => write!(f, "the authorization header is missing"),
            AuthError::Malformed => write!(f, "the token is not of the form merchant.expiry.signature"),
            AuthError::BadExpiry => write!(f, "the expiry of the token is not a number"),
            AuthError::Expired { expiry } => write!(f, "the token expired at {expiry}"),
            AuthError::BadSignature => write!(f, "the signature of the token does not match"),
        }
    }
}

impl std::error::Error for AuthError {}

impl Authenticator {
    pub fn new(key: &[u8]) -> Self {
        Authenticator { key: key.to_vec() }
    }

    /// Issues a token for `merchant` that is valid until `expiry`, in seconds since the epoch.
    pub fn issue(&self, merchant: &str, expiry: u64) -> String {
        let claims = format!("{merchant}.{expiry}");
        format!("{claims}.{}", self.sign(&claims))
    }

    /// Checks an `Authorization` header and returns the merchant that it speaks for.
    pub fn verify(&self, header: Option<&str>, now: u64) -> Result<String, AuthError> {
        let token = match bearer(header) {
            Ok(token) => token,
            Err(error) => return Err(error),
        };
        let (claims, signature) = match split_signature(token) {
            Ok(parts) => parts,
            Err(error) => return Err(error),
        };
        let (merchant, expiry) = match split_claims(claims) {
            Ok(parts) => parts,
            Err(error) => return Err(error),
        };
        if expiry < now {
            return Err(AuthError::Expired { expiry });
        }
        if !crypto::equal_in_constant_time(self.sign(claims).as_bytes(), signature.as_bytes()) {
            return Err(AuthError::BadSignature);
        }
        Ok(merchant.to_owned())
    }

    fn sign(&self, claims: &str) -> String {
        crypto::base64(&crypto::stretch(&self.key, claims.as_bytes(), ROUNDS))
    }
}

fn bearer(header: Option<&str>) -> Result<&str, AuthError> {
    let header = header.ok_or(AuthError::Missing)?;
    header.strip_prefix("Bearer ").ok_or(AuthError::Malformed)
}

fn split_signature(token: &str) -> Result<(&str, &str), AuthError> {
    token.rsplit_once('.').ok_or(AuthError::Malformed)
}

fn split_claims(claims: &str) -> Result<(&str, u64), AuthError> {
    let (merchant, expiry) = claims.rsplit_once('.').ok_or(AuthError::Malformed)?;
    if merchant.is_empty() {
        return Err(AuthError::Malformed);
    }
    let expiry = expiry.parse().map_err(|_| AuthError::BadExpiry)?;
    Ok((merchant, expiry))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authenticator() -> Authenticator {
        Authenticator::new(b"test key")
    }

    fn verify(header: &str) -> Result<String, AuthError> {
        authenticator().verify(Some(header), 1_000)
    }

    #[test]
    fn an_issued_token_verifies_as_its_merchant() {
        let token = authenticator().issue("m-100", 2_000);
        assert_eq!(verify(&format!("Bearer {token}")), Ok("m-100".to_owned()));
    }

    #[test]
    fn a_merchant_name_may_hold_dots() {
        let token = authenticator().issue("shop.example", 1_000);
        assert_eq!(verify(&format!("Bearer {token}")), Ok("shop.example".to_owned()));
    }

    #[test]
    fn the_signature_is_pinned() {
        let token = authenticator().issue("m-100", 2_000);
        let (claims, signature) = token.rsplit_once('.').unwrap();
        assert_eq!(claims, "m-100.2000");
        assert_eq!(signature.len(), 43);
        let stretched = crypto::stretch(b"test key", b"m-100.2000", 1_400);
        assert_eq!(signature, crypto::base64(&stretched));
    }

    #[test]
    fn a_missing_header_is_told_apart_from_a_malformed_one() {
        assert_eq!(authenticator().verify(None, 0), Err(AuthError::Missing));
        assert_eq!(verify("Basic abc"), Err(AuthError::Malformed));
        assert_eq!(verify("Bearer abc"), Err(AuthError::Malformed));
        assert_eq!(verify("Bearer abc.def"), Err(AuthError::Malformed));
        assert_eq!(verify("Bearer .2000.def"), Err(AuthError::Malformed));
    }

    #[test]
    fn an_expiry_that_is_no_number_is_refused() {
        assert_eq!(verify("Bearer m-100.soon.sig"), Err(AuthError::BadExpiry));
    }

    #[test]
    fn a_token_is_valid_until_the_second_of_its_expiry() {
        let token = format!("Bearer {}", authenticator().issue("m-100", 1_000));
        assert!(authenticator().verify(Some(&token), 1_000).is_ok());
        assert_eq!(authenticator().verify(Some(&token), 1_001), Err(AuthError::Expired { expiry: 1_000 }));
    }

    #[test]
    fn a_forged_token_is_refused() {
        let token = authenticator().issue("m-100", 2_000);
        let forged = token.replace("m-100", "m-200");
        assert_eq!(verify(&format!("Bearer {forged}")), Err(AuthError::BadSignature));
        let other = Authenticator::new(b"other key").issue("m-100", 2_000);
        assert_eq!(verify(&format!("Bearer {other}")), Err(AuthError::BadSignature));
    }

    #[test]
    fn refusals_have_a_message() {
        assert_eq!(AuthError::Missing.to_string(), "the authorization header is missing");
        assert_eq!(AuthError::Expired { expiry: 7 }.to_string(), "the token expired at 7");
        assert_eq!(AuthError::BadSignature.to_string(), "the signature of the token does not match");
    }
}
