//! Tokens: secrets that give access to networks. Stored only as hashes.
//!
//! Invariant: a secret is only in memory of the caller that asked for it; a revoked or expired token grants no access.

use crate::rows::row::{Revoked, TokenRow};
use kith_core::{
    event::Role,
    id::{OrganisationId, PersonId, PrincipalId, TokenId},
    may::{Credential, Principal, Reach},
    position::Position,
    timestamp::Timestamp,
};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Arc,
};

/// Prefix of every secret, so that scanners find leaked ones.
const SECRET_PREFIX: &str = "kith_";

/// Characters after the prefix: 256 bits.
const SECRET_DIGITS: usize = 52;

/// Characters of ids and secrets: base32 in small letters (RFC 4648).
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its public id.
    pub id: TokenId,
    /// The role it carries.
    pub role: Role,
    /// The person it speaks for.
    pub person: Option<PersonId>,
    /// The organisation it belongs to.
    pub organisation: Option<OrganisationId>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// What a valid token stands for, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The principal that it makes of whoever holds it.
    pub principal: Principal,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// Changes with the secret: a token that was replaced under its id has another one.
    pub fingerprint: [u8; 32],
}

/// What a new token of a network is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// The role it carries.
    pub role: Role,
    /// The person it speaks for; must be in the directory.
    pub person: Option<PersonId>,
    /// The organisation it belongs to; must be in the directory.
    pub organisation: Option<OrganisationId>,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
}

/// A token that was just issued, with the secret that is shown once.
pub struct IssuedToken {
    /// The token.
    pub token: Token,
    /// The secret; it is not stored.
    pub secret: String,
    /// Position of the `token_issued` entry.
    pub position: Position,
}

/// A token for the whole server, issued outside any network.
pub struct NewServerToken {
    /// Its public id. A token of the same id is replaced.
    pub id: TokenId,
    /// The secret, as made by [`new_secret`].
    pub secret: String,
    /// The role it carries.
    pub role: Role,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken")
            .field("token", &self.token)
            .field("secret", &"***")
            .field("position", &self.position)
            .finish()
    }
}

impl fmt::Debug for NewServerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewServerToken")
            .field("id", &self.id)
            .field("secret", &"***")
            .field("role", &self.role)
            .field("expires_at", &self.expires_at)
            .finish()
    }
}

/// A new secret of 256 random bits: `kith_` and 52 characters.
pub fn new_secret() -> String {
    format!("{SECRET_PREFIX}{}", base32(&kith_words::random::<32>()))
}

/// Whether a text has the form of a secret, as [`new_secret`] makes them.
pub fn is_secret(text: &str) -> bool {
    let digits = text.strip_prefix(SECRET_PREFIX).unwrap_or_default();
    digits.len() == SECRET_DIGITS && digits.bytes().all(|byte| BASE32.contains(&byte))
}

/// A new random token id: `t-` and 10 characters.
pub(crate) fn new_id() -> TokenId {
    let mut text = base32(&kith_words::random::<7>());
    text.truncate(10);
    format!("t-{text}").parse().expect("small letters and digits are allowed in token ids")
}

/// SHA-256 of a secret. Secrets are random and long, so a plain hash cannot be reversed by guessing.
pub(crate) fn hash_secret(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// What a `token_issued` entry says about a secret: SHA-256 of its hash, so that the stored hash stays secret.
pub(crate) fn secret_digest(hash: &[u8; 32]) -> [u8; 32] {
    Sha256::digest(hash).into()
}

fn base32(bytes: &[u8]) -> String {
    let (mut text, mut buffer, mut bits) = (String::with_capacity(bytes.len() * 8 / 5 + 1), 0_u32, 0);
    for byte in bytes {
        buffer = buffer << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(letter(buffer >> bits));
        }
        buffer &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(letter(buffer << (5 - bits)));
    }
    text
}

fn letter(number: u32) -> char {
    BASE32[(number & 31) as usize].into()
}

impl TokenRow {
    /// The row of a token that is about to be issued.
    pub(crate) fn new(id: TokenId, secret: &str, new: &NewToken, issued_at: Timestamp) -> Self {
        Self {
            id,
            hash: hash_secret(secret),
            role: new.role,
            person: new.person.clone(),
            organisation: new.organisation.clone(),
            issued_at,
            expires_at: new.expires_at,
            revoked: None,
        }
    }

    pub(crate) fn token(&self) -> Token {
        Token {
            id: self.id.clone(),
            role: self.role,
            person: self.person.clone(),
            organisation: self.organisation.clone(),
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            revoked_at: self.revoked.map(|revoked: Revoked| revoked.at),
        }
    }

    /// Whether the token still grants what it granted a principal.
    pub(crate) fn holds_for(&self, principal: &Principal, now: Timestamp) -> bool {
        self.opens_at(now)
            && self.role == principal.role
            && self.person == principal.person
            && self.organisation == principal.organisation
    }

    /// Whether it is a revoked token of an organisation.
    pub(crate) fn has_lost_scope(&self) -> bool {
        self.revoked.is_some() && self.organisation.is_some()
    }

    fn opens_at(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// Every token in memory, by the hash of its secret and by its id.
#[derive(Default)]
pub(crate) struct Tokens {
    by_hash: HashMap<[u8; 32], Arc<Known>>,
    by_id: BTreeMap<Owner, BTreeMap<TokenId, Arc<Known>>>,
}

/// What a token is for: the whole server or the network with an ordinal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    Server,
    Network(u32),
}

struct Known {
    row: TokenRow,
    principal: Principal,
}

impl Known {
    fn standing(&self, now: Timestamp) -> Option<Standing> {
        self.row.opens_at(now).then(|| Standing {
            principal: self.principal.clone(),
            expires_at: self.row.expires_at,
            fingerprint: secret_digest(&self.row.hash),
        })
    }
}

impl Tokens {
    /// Adds a token, or replaces its row.
    pub(crate) fn put(&mut self, owner: Owner, reach: Reach, row: TokenRow) {
        let known = Arc::new(Known { principal: principal(&row, reach), row });
        let same_owner = self.by_id.entry(owner).or_default();
        if let Some(older) = same_owner.insert(known.row.id.clone(), known.clone()) {
            self.by_hash.remove(&older.row.hash);
        }
        self.by_hash.insert(known.row.hash, known);
    }

    /// What the token with this secret stands for, if it is valid at this time.
    pub(crate) fn authenticate(&self, secret: &str, now: Timestamp) -> Option<Standing> {
        if !is_secret(secret) {
            return None;
        }
        self.by_hash.get(&hash_secret(secret))?.standing(now)
    }

    /// What the token of an id stands for, if it is valid at this time.
    pub(crate) fn standing(&self, owner: Owner, id: &TokenId, now: Timestamp) -> Option<Standing> {
        self.by_id.get(&owner)?.get(id)?.standing(now)
    }

    /// Whether a secret belongs to a revoked token of an organisation.
    pub(crate) fn lost_scope(&self, secret: &str) -> bool {
        self.by_hash.get(&hash_secret(secret)).is_some_and(|known| known.row.has_lost_scope())
    }

    /// The row of a token.
    pub(crate) fn find(&self, owner: Owner, id: &TokenId) -> Option<&TokenRow> {
        Some(&self.by_id.get(&owner)?.get(id)?.row)
    }

    /// The rows of all tokens of a network or the server.
    pub(crate) fn rows(&self, owner: Owner) -> impl Iterator<Item = &TokenRow> {
        self.by_id.get(&owner).into_iter().flat_map(BTreeMap::values).map(|known| &known.row)
    }

    /// All tokens of a network or the server, oldest first, and by id if they were issued in the same millisecond.
    pub(crate) fn list(&self, owner: Owner) -> Vec<Token> {
        let mut tokens: Vec<_> = self.rows(owner).map(TokenRow::token).collect();
        tokens.sort_by_key(|token| token.issued_at);
        tokens
    }
}

/// The program itself, as the owner of everything.
pub(crate) fn program() -> Principal {
    Principal {
        id: "server".parse().expect("small letters are allowed in principal ids"),
        credential: Credential::Program,
        reach: Reach::Server,
        role: Role::Owner,
        person: None,
        organisation: None,
    }
}

fn principal(row: &TokenRow, reach: Reach) -> Principal {
    let id = match &row.person {
        Some(person) => format!("person:{person}"),
        None => format!("token:{}", row.id),
    };
    Principal {
        id: PrincipalId::parse_field(&id, "principal").expect("ids of people and tokens fit behind the prefix"),
        credential: Credential::Token(row.id.clone()),
        reach,
        role: row.role,
        person: row.person.clone(),
        organisation: row.organisation.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn base32_of_the_published_examples() {
        let check = |text: &str, expected: &str| assert_eq!(base32(text.as_bytes()), expected);
        check("", "");
        check("f", "my");
        check("fo", "mzxq");
        check("foo", "mzxw6");
        check("foobar", "mzxw6ytboi");
    }

    #[test]
    fn secrets_and_ids_are_long_random_and_never_shown() {
        let secrets: HashSet<_> = (0..100).map(|_| new_secret()).collect();
        assert_eq!(secrets.len(), 100);
        assert!(secrets.iter().all(|secret| is_secret(secret)));
        let ids: HashSet<_> = (0..100).map(|_| new_id().to_string()).collect();
        assert_eq!(ids.len(), 100);
        assert!(ids.iter().all(|id| id.len() == 12 && id.starts_with("t-")));
        let id = "owner".parse().unwrap();
        let token = NewServerToken { id, secret: "kith_abc".into(), role: Role::Owner, expires_at: None };
        assert!(!format!("{token:?}").contains("abc"));
    }

    #[test]
    fn a_replaced_token_opens_nothing() {
        let new = NewToken { role: Role::Owner, person: None, organisation: None, expires_at: None };
        let row = |secret: &str| TokenRow::new("owner".parse().unwrap(), secret, &new, Timestamp::from_millis(0));
        let (first, second) = (new_secret(), new_secret());
        let mut tokens = Tokens::default();
        tokens.put(Owner::Server, Reach::Server, row(&first));
        tokens.put(Owner::Server, Reach::Server, row(&second));
        assert_eq!(tokens.authenticate(&first, Timestamp::from_millis(1)), None);
        let principal = tokens.authenticate(&second, Timestamp::from_millis(1)).unwrap().principal;
        assert_eq!((principal.id.as_str(), principal.reach), ("token:owner", Reach::Server));
        assert_eq!(tokens.list(Owner::Server).len(), 1);
    }

    #[test]
    fn a_token_is_found_by_its_id_while_it_is_valid() {
        let end = Timestamp::from_millis(10);
        let new = NewToken { role: Role::Owner, person: None, organisation: None, expires_at: Some(end) };
        let id: TokenId = "owner".parse().unwrap();
        let row = |secret: &str| TokenRow::new(id.clone(), secret, &new, Timestamp::from_millis(0));
        let mut tokens = Tokens::default();
        let standing = |tokens: &Tokens, owner, now| tokens.standing(owner, &id, Timestamp::from_millis(now));
        assert_eq!(standing(&tokens, Owner::Server, 1), None);
        tokens.put(Owner::Server, Reach::Server, row(&new_secret()));
        let first = standing(&tokens, Owner::Server, 9).unwrap();
        assert_eq!((first.principal.id.as_str(), first.expires_at), ("token:owner", Some(end)));
        assert_eq!(standing(&tokens, Owner::Server, 10), None, "it has expired");
        assert_eq!(standing(&tokens, Owner::Network(1), 9), None, "ids are of one network or the server");
        tokens.put(Owner::Server, Reach::Server, row(&new_secret()));
        assert_ne!(standing(&tokens, Owner::Server, 9).unwrap().fingerprint, first.fingerprint);
        let revoked = Revoked { at: Timestamp::from_millis(2), position: Position::new(0) };
        let lost = TokenRow { revoked: Some(revoked), ..row(&new_secret()) };
        tokens.put(Owner::Server, Reach::Server, lost);
        assert_eq!(standing(&tokens, Owner::Server, 9), None, "it was revoked");
    }

    #[test]
    fn what_has_not_the_form_of_a_secret_opens_nothing_whatever_is_stored() {
        let new = NewToken { role: Role::Owner, person: None, organisation: None, expires_at: None };
        for text in ["", "kith_", "kith_abc", "secret", &new_secret().to_uppercase(), &format!("{}a", new_secret())] {
            let row = TokenRow::new("owner".parse().unwrap(), text, &new, Timestamp::from_millis(0));
            let mut tokens = Tokens::default();
            tokens.put(Owner::Server, Reach::Server, row);
            assert_eq!(tokens.authenticate(text, Timestamp::from_millis(1)), None, "{text:?}");
        }
    }

    #[test]
    fn the_longest_person_id_makes_a_principal() {
        let person = Some("p".repeat(kith_core::limits::PERSON_ID_BYTES_MAX).parse().unwrap());
        let new = NewToken { role: Role::Reader, person, organisation: None, expires_at: None };
        let row = TokenRow::new(new_id(), "secret", &new, Timestamp::from_millis(0));
        assert!(principal(&row, Reach::Server).id.as_str().starts_with("person:ppp"));
    }
}
