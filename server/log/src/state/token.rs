//! Tokens: secrets that give access to networks. Stored only as hashes.
//!
//! Invariant: a secret is only in memory of the caller that asked for it; a revoked or expired token grants no access.

use crate::rows::row::{Revoked, TokenRow};
use kith_core::{
    authority::{Authority, Lost},
    event::{Administration, Grant, Role},
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
use zeroize::Zeroizing;

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
    /// What it gives whoever holds it.
    pub grant: Grant,
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
    /// What it gives whoever holds it.
    pub grant: Grant,
    /// The person it speaks for; must be in the directory, and there for a grant that is no role of its own.
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

/// The id and the secret of a token that is about to be issued.
pub(crate) struct NewSecret {
    pub(crate) id: TokenId,
    pub(crate) secret: Zeroizing<String>,
}

impl NewSecret {
    /// New ones for a feed.
    pub(crate) fn of_feed() -> Self {
        let id = TokenId::of_feed(&random_digits()).expect("small letters and digits are allowed in token ids");
        Self { id, secret: Zeroizing::new(new_secret()) }
    }

    /// New ones for a webhook. Nobody is told the secret.
    pub(crate) fn of_webhook() -> Self {
        let id = TokenId::of_webhook(&random_digits()).expect("small letters and digits are allowed in token ids");
        Self { id, secret: Zeroizing::new(new_secret()) }
    }

    /// New ones for a token with a grant.
    pub(crate) fn of(grant: Grant) -> Self {
        Self { id: new_id(grant), secret: Zeroizing::new(new_secret()) }
    }

    /// What the log says of the token.
    pub(crate) fn fact(&self, token: &NewToken) -> Administration {
        let NewToken { grant, person, organisation, expires_at } = token.clone();
        let secret_digest = Some(secret_digest(&hash_secret(&self.secret)));
        Administration::TokenIssued { token: self.id.clone(), grant, person, organisation, expires_at, secret_digest }
    }
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

/// A new random token id: 10 characters after a prefix that tells what it opens.
pub(crate) fn new_id(grant: Grant) -> TokenId {
    let prefix = match grant {
        Grant::Role(_) | Grant::Membership => "t",
        Grant::Invitation(_) => "invite",
    };
    format!("{prefix}-{}", random_digits()).parse().expect("small letters and digits are allowed in token ids")
}

/// Ten random letters and digits: 50 bits.
fn random_digits() -> String {
    let mut text = base32(&kith_words::random::<7>());
    text.truncate(10);
    text
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
            grant: new.grant,
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
            grant: self.grant,
            person: self.person.clone(),
            organisation: self.organisation.clone(),
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            revoked_at: self.revoked.map(|revoked: Revoked| revoked.at),
        }
    }

    /// The principal that holds the token, if that is one at this time: a member's token gives what their membership
    /// gives, and invitations, feeds and webhooks let nobody in.
    pub(crate) fn principal(&self, reach: &Reach, authority: &Authority, now: Timestamp) -> Option<Principal> {
        let opens_calls = !self.id.is_feed() && !self.id.is_webhook();
        opens_calls.then(|| self.holder(reach, authority, now))?
    }

    /// The principal that holds the token, whatever it opens.
    fn holder(&self, reach: &Reach, authority: &Authority, now: Timestamp) -> Option<Principal> {
        let (role, organisation) = match self.grant {
            Grant::Role(role) => (role, self.organisation.clone()),
            Grant::Membership => {
                let member = authority.person(self.person.as_ref()?)?;
                (member.role, member.organisation.clone())
            }
            Grant::Invitation(_) => return None,
        };
        let id = match &self.person {
            Some(person) => format!("person:{person}"),
            None => format!("token:{}", self.id),
        };
        self.opens_at(now).then(|| Principal {
            id: PrincipalId::parse_field(&id, "principal").expect("ids of people and tokens fit behind the prefix"),
            credential: Credential::Token(self.id.clone()),
            reach: reach.clone(),
            role,
            person: self.person.clone(),
            organisation,
        })
    }

    /// What its holder has to let go of now that it has ended.
    pub(crate) fn lost(&self, authority: &Authority) -> Option<Lost> {
        authority.token(&self.id)?.ended?.lost
    }

    pub(crate) fn opens_at(&self, now: Timestamp) -> bool {
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

/// A token, and the networks that it is for.
pub(crate) struct Known {
    pub(crate) row: TokenRow,
    pub(crate) reach: Reach,
}

impl Known {
    /// What the token stands for, if it is valid at this time.
    pub(crate) fn standing(&self, authority: &Authority, now: Timestamp) -> Option<Standing> {
        Some(self.standing_as(self.row.principal(&self.reach, authority, now)?))
    }

    /// What the token stands for if it is a feed that is valid at this time: a reader.
    pub(crate) fn standing_of_feed(&self, authority: &Authority, now: Timestamp) -> Option<Standing> {
        let holder = self.row.id.is_feed().then(|| self.row.holder(&self.reach, authority, now))??;
        Some(self.standing_as(Principal { role: Role::Reader, ..holder }))
    }

    /// As whom a webhook reads, if the token is one that is valid at this time.
    pub(crate) fn webhook(&self, authority: &Authority, now: Timestamp) -> Option<Principal> {
        self.row.id.is_webhook().then(|| self.row.holder(&self.reach, authority, now))?
    }

    fn standing_as(&self, principal: Principal) -> Standing {
        Standing { principal, expires_at: self.row.expires_at, fingerprint: secret_digest(&self.row.hash) }
    }
}

impl Tokens {
    /// Adds a token, or replaces its row.
    pub(crate) fn put(&mut self, owner: Owner, reach: Reach, row: TokenRow) {
        let known = Arc::new(Known { row, reach });
        let same_owner = self.by_id.entry(owner).or_default();
        if let Some(older) = same_owner.insert(known.row.id.clone(), known.clone()) {
            self.by_hash.remove(&older.row.hash);
        }
        self.by_hash.insert(known.row.hash, known);
    }

    /// The token with this secret.
    pub(crate) fn with_secret(&self, secret: &str) -> Option<Arc<Known>> {
        if !is_secret(secret) {
            return None;
        }
        self.by_hash.get(&hash_secret(secret)).cloned()
    }

    /// The token of an id.
    pub(crate) fn with_id(&self, owner: Owner, id: &TokenId) -> Option<Arc<Known>> {
        self.by_id.get(&owner)?.get(id).cloned()
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
        let ids: HashSet<_> = (0..100).map(|_| new_id(Grant::Membership).to_string()).collect();
        assert_eq!(ids.len(), 100);
        assert!(ids.iter().all(|id| id.len() == 12 && id.starts_with("t-")));
        let id = "owner".parse().unwrap();
        let token = NewServerToken { id, secret: "kith_abc".into(), role: Role::Owner, expires_at: None };
        assert!(!format!("{token:?}").contains("abc"));
    }

    #[test]
    fn a_replaced_token_opens_nothing() {
        let new = NewToken { grant: Grant::Role(Role::Owner), person: None, organisation: None, expires_at: None };
        let row = |secret: &str| TokenRow::new("owner".parse().unwrap(), secret, &new, Timestamp::from_millis(0));
        let (first, second) = (new_secret(), new_secret());
        let mut tokens = Tokens::default();
        tokens.put(Owner::Server, Reach::Server, row(&first));
        tokens.put(Owner::Server, Reach::Server, row(&second));
        assert!(tokens.with_secret(&first).is_none());
        let known = tokens.with_secret(&second).unwrap();
        let principal = known.standing(&Authority::default(), Timestamp::from_millis(1)).unwrap().principal;
        assert_eq!((principal.id.as_str(), principal.reach), ("token:owner", Reach::Server));
        assert_eq!(tokens.list(Owner::Server).len(), 1);
    }

    #[test]
    fn a_token_is_found_by_its_id_while_it_is_valid() {
        let end = Timestamp::from_millis(10);
        let new = NewToken { grant: Grant::Role(Role::Owner), person: None, organisation: None, expires_at: Some(end) };
        let id: TokenId = "owner".parse().unwrap();
        let row = |secret: &str| TokenRow::new(id.clone(), secret, &new, Timestamp::from_millis(0));
        let mut tokens = Tokens::default();
        let standing = |tokens: &Tokens, owner, now| {
            tokens.with_id(owner, &id)?.standing(&Authority::default(), Timestamp::from_millis(now))
        };
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
        let new = NewToken { grant: Grant::Role(Role::Owner), person: None, organisation: None, expires_at: None };
        for text in ["", "kith_", "kith_abc", "secret", &new_secret().to_uppercase(), &format!("{}a", new_secret())] {
            let row = TokenRow::new("owner".parse().unwrap(), text, &new, Timestamp::from_millis(0));
            let mut tokens = Tokens::default();
            tokens.put(Owner::Server, Reach::Server, row);
            assert!(tokens.with_secret(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn the_longest_person_id_makes_a_principal() {
        let person = Some("p".repeat(kith_core::limits::PERSON_ID_BYTES_MAX).parse().unwrap());
        let new = NewToken { grant: Grant::Role(Role::Reader), person, organisation: None, expires_at: None };
        let row = TokenRow::new(new_id(new.grant), "secret", &new, Timestamp::from_millis(0));
        let principal = row.principal(&Reach::Server, &Authority::default(), Timestamp::from_millis(0)).unwrap();
        assert!(principal.id.as_str().starts_with("person:ppp"));
    }
}
