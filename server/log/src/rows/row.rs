//! The values of the tables that are packed byte strings.
//!
//! Invariant: decoding returns what was encoded, and nothing else decodes.

use crate::{
    error::{Damage, OpenError},
    rows::tables,
};
use kith_core::packed::{Reader, Writer};
use kith_core::{
    event::{Grant, Role},
    id::{NetworkName, OrganisationId, PersonId, TokenId},
    position::Position,
    timestamp::Timestamp,
    tree::Frontier,
};
use redb::{ReadTransaction, ReadableTable};

/// Value of `networks`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NetworkRow {
    /// Prefix of the network's keys.
    pub(crate) ordinal: u32,
    pub(crate) created_at: Timestamp,
    /// Random; a different one means a different log.
    pub(crate) incarnation: [u8; 16],
    /// The first incarnation: keys and sealed details stay bound to it when the log gets a new one.
    pub(crate) key_incarnation: [u8; 16],
}

impl NetworkRow {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let writer = Writer::default().u32(self.ordinal).i64(self.created_at.millis()).bytes(&self.incarnation);
        let restored = self.key_incarnation != self.incarnation;
        writer.bytes(if restored { &self.key_incarnation } else { &[] }).finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let (ordinal, created_at) = (reader.u32()?, Timestamp::from_millis(reader.i64()?));
        let incarnation = reader.array()?;
        let key_incarnation = match reader.rest() {
            [] => incarnation,
            first => first.try_into().ok().filter(|first| *first != incarnation)?,
        };
        Some(Self { ordinal, created_at, incarnation, key_incarnation })
    }
}

/// Value of `heads`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeadRow {
    pub(crate) position: Position,
    pub(crate) recorded_at: Timestamp,
    pub(crate) frontier: Frontier,
}

impl HeadRow {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let writer = Writer::default().u64(self.position.get()).i64(self.recorded_at.millis());
        writer.bytes(&self.frontier.encode()).finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        Some(Self {
            position: Position::new(reader.u64()?),
            recorded_at: Timestamp::from_millis(reader.i64()?),
            frontier: Frontier::decode(reader.rest()).ok()?,
        })
    }
}

/// Value of `tokens` and `server_tokens`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenRow {
    pub(crate) id: TokenId,
    /// SHA-256 of the secret.
    pub(crate) hash: [u8; 32],
    pub(crate) grant: Grant,
    pub(crate) person: Option<PersonId>,
    pub(crate) organisation: Option<OrganisationId>,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) revoked: Option<Revoked>,
}

/// When and by which entry a token was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Revoked {
    pub(crate) at: Timestamp,
    pub(crate) position: Position,
}

impl TokenRow {
    pub(crate) fn encode(&self) -> Vec<u8> {
        Writer::default()
            .short(self.id.as_str().as_bytes())
            .bytes(&self.hash)
            .u8(grant_number(self.grant))
            .option(self.person.as_ref(), |writer, id| writer.short(id.as_str().as_bytes()))
            .option(self.organisation.as_ref(), |writer, id| writer.short(id.as_str().as_bytes()))
            .i64(self.issued_at.millis())
            .option(self.expires_at, |writer, at| writer.i64(at.millis()))
            .option(self.revoked, |writer, revoked| writer.i64(revoked.at.millis()).u64(revoked.position.get()))
            .finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let row = Self {
            id: reader.text()?,
            hash: reader.array()?,
            grant: grant_of(reader.u8()?)?,
            person: reader.option(Reader::text)?,
            organisation: reader.option(Reader::text)?,
            issued_at: Timestamp::from_millis(reader.i64()?),
            expires_at: reader.option(|reader| reader.i64().map(Timestamp::from_millis))?,
            revoked: reader.option(|reader| {
                let at = Timestamp::from_millis(reader.i64()?);
                Some(Revoked { at, position: Position::new(reader.u64()?) })
            })?,
        };
        reader.finish(row)
    }
}

/// Numbers of roles on disk; never changed.
fn role_number(role: Role) -> u8 {
    match role {
        Role::Reader => 1,
        Role::Recorder => 2,
        Role::Analyst => 3,
        Role::Auditor => 4,
        Role::RecordsOfficer => 5,
        Role::Owner => 6,
        Role::Operator => 7,
    }
}

fn role_of(number: u8) -> Option<Role> {
    Role::ALL.into_iter().chain([Role::Operator]).find(|role| role_number(*role) == number)
}

/// Added to the role of the member that an invitation makes.
const INVITATION: u8 = 0x40;

/// Numbers of grants on disk: that of a role of its own, 0 for that of a member.
fn grant_number(grant: Grant) -> u8 {
    match grant {
        Grant::Role(role) => role_number(role),
        Grant::Membership => 0,
        Grant::Invitation(role) => INVITATION | role_number(role),
    }
}

fn grant_of(number: u8) -> Option<Grant> {
    match number {
        0 => Some(Grant::Membership),
        1..INVITATION => role_of(number).map(Grant::Role),
        INVITATION.. => role_of(number ^ INVITATION).map(Grant::Invitation),
    }
}

/// Every network's row, by name.
pub(crate) fn read_networks(transaction: &ReadTransaction) -> Result<Vec<(NetworkName, NetworkRow)>, OpenError> {
    let malformed = Damage { table: "networks", what: "a row is malformed" };
    let mut networks = Vec::new();
    for row in transaction.open_table(tables::NETWORKS)?.iter()? {
        let (name, row) = row?;
        let name = name.value().parse().map_err(|_| malformed.clone())?;
        networks.push((name, NetworkRow::decode(row.value()).ok_or_else(|| malformed.clone())?));
    }
    Ok(networks)
}

/// A network's head; `None` while its log is empty.
pub(crate) fn read_head(transaction: &ReadTransaction, ordinal: u32) -> Result<Option<HeadRow>, OpenError> {
    let table = transaction.open_table(tables::HEADS)?;
    let Some(row) = table.get(ordinal)? else { return Ok(None) };
    let malformed = Damage { table: "heads", what: "a row is malformed" };
    Ok(Some(HeadRow::decode(row.value()).ok_or(malformed)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_core::tree::leaf_hash;
    use proptest::prelude::*;

    fn grant() -> impl Strategy<Value = Grant> {
        let role = || (0..Role::ALL.len()).prop_map(|index| Role::ALL[index]);
        prop_oneof![
            role().prop_map(Grant::Role),
            Just(Grant::Role(Role::Operator)),
            Just(Grant::Membership),
            role().prop_map(Grant::Invitation)
        ]
    }

    fn token() -> impl Strategy<Value = TokenRow> {
        let ids = ("t-[a-z2-7]{10}", proptest::option::of("[A-Za-z]{1,64}"), proptest::option::of("[a-z]{1,64}"));
        let times = (any::<i64>(), proptest::option::of(any::<i64>()), proptest::option::of(any::<(i64, u64)>()));
        (ids, any::<[u8; 32]>(), grant(), times).prop_map(|((id, person, organisation), hash, grant, times)| TokenRow {
            id: id.parse().unwrap(),
            hash,
            grant,
            person: person.map(|id| id.parse().unwrap()),
            organisation: organisation.map(|id| id.parse().unwrap()),
            issued_at: Timestamp::from_millis(times.0),
            expires_at: times.1.map(Timestamp::from_millis),
            revoked: times
                .2
                .map(|(at, position)| Revoked { at: Timestamp::from_millis(at), position: Position::new(position) }),
        })
    }

    proptest! {
        #[test]
        fn networks_read_back(ordinal: u32, millis: i64, incarnation: [u8; 16], first: [u8; 16]) {
            for key_incarnation in [incarnation, first] {
                let created_at = Timestamp::from_millis(millis);
                let row = NetworkRow { ordinal, created_at, incarnation, key_incarnation };
                prop_assert_eq!(NetworkRow::decode(&row.encode()), Some(row));
                prop_assert_eq!(NetworkRow::decode(&[row.encode().as_slice(), &[0]].concat()), None);
            }
        }

        #[test]
        fn heads_read_back(leaves in 0_u64..300, millis: i64) {
            let mut frontier = Frontier::new();
            for leaf in 0..leaves {
                frontier.push(leaf_hash(&leaf.to_le_bytes()));
            }
            let (position, recorded_at) = (Position::new(leaves), Timestamp::from_millis(millis));
            let row = HeadRow { position, recorded_at, frontier };
            prop_assert_eq!(HeadRow::decode(&row.encode()), Some(row));
        }

        #[test]
        fn tokens_read_back_and_no_part_of_them_decodes(row in token(), cut in 1_usize..300) {
            let bytes = row.encode();
            prop_assert_eq!(TokenRow::decode(&bytes), Some(row));
            prop_assert_eq!(TokenRow::decode(&bytes[..bytes.len().saturating_sub(cut)]), None);
            prop_assert_eq!(TokenRow::decode(&[bytes.as_slice(), &[0]].concat()), None);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (NetworkRow::decode(&bytes), HeadRow::decode(&bytes), TokenRow::decode(&bytes));
        }
    }
}
