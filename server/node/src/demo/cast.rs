//! The organisations and people of the demonstration network. All of them are made up.

use kith_core::id::{OrganisationId, PersonId};
use sha2::{Digest, Sha256};

/// An organisation: its id and its name.
pub(super) const ORGANISATIONS: [(&str, &str); 3] = [
    ("mossbridge", "Mossbridge Make-Believe Hospital"),
    ("fernhollow", "Fernhollow Storybook Surgery"),
    ("larkspur", "Larkspur Fable Care Home"),
];

/// Names and roles of each organisation's people, in the order of [`ORGANISATIONS`].
const PEOPLE: [&[(&str, &str)]; 3] = [
    &[
        ("Ada Quillfeather", "geriatrician"),
        ("Bram Thistledown", "discharge nurse"),
        ("Cleo Marzipan", "ward manager"),
        ("Dorian Puddlewick", "pharmacist"),
        ("Elska Moonpenny", "physiotherapist"),
        ("Fenwick Bramblejam", "chief executive"),
        ("Greta Snowglobe", "cardiologist"),
        ("Hugo Lanternfish", "emergency physician"),
        ("Iris Cobblestone", "social worker"),
        ("Jasper Honeydrop", "occupational therapist"),
        ("Kiki Featherstitch", "ward nurse"),
        ("Leopold Tinderbox", "radiologist"),
        ("Mabel Starfruit", "discharge nurse"),
        ("Nico Gooseberry", "registrar"),
        ("Opal Windmill", "quality lead"),
        ("Percy Dandelion", "dietician"),
        ("Quinn Applecart", "bed manager"),
    ],
    &[
        ("Rosalind Teacup", "GP"),
        ("Silas Butterbean", "GP"),
        ("Tilda Sparrowhawk", "GP"),
        ("Ursula Pepperpot", "practice nurse"),
        ("Vito Candlewax", "practice manager"),
        ("Wanda Riverpebble", "community nurse"),
        ("Xander Plumcake", "GP registrar"),
        ("Yara Hazelwand", "social prescriber"),
        ("Zeno Mistletoe", "pharmacist"),
        ("Alba Kettledrum", "receptionist"),
        ("Basil Owlfeather", "community nurse"),
        ("Clover Wishbone", "paramedic"),
    ],
    &[
        ("Dotty Gingersnap", "manager"),
        ("Edgar Toadstool", "nurse"),
        ("Flora Bellweather", "carer"),
        ("Gus Marmalade", "carer"),
        ("Hattie Raindrop", "activities lead"),
        ("Igor Nutmeg", "nurse"),
        ("Juno Foxglove", "carer"),
        ("Kasper Willowick", "cook"),
        ("Lotte Blackbird", "deputy manager"),
        ("Monty Seashell", "carer"),
        ("Nell Copperkettle", "night nurse"),
    ],
];

/// A member of the cast.
#[derive(Debug, Clone)]
pub(super) struct Member {
    /// A pseudonym.
    pub(super) id: PersonId,
    /// The name.
    pub(super) name: &'static str,
    /// The role.
    pub(super) role: &'static str,
    /// Index of their organisation in [`ORGANISATIONS`].
    pub(super) home: usize,
}

impl Member {
    /// The id of their organisation.
    pub(super) fn organisation(&self) -> OrganisationId {
        ORGANISATIONS[self.home].0.parse().expect("the ids above are well formed")
    }
}

/// All members, by organisation.
pub(super) fn members() -> Vec<Member> {
    let homes = PEOPLE.iter().enumerate();
    let all = homes.flat_map(|(home, people)| people.iter().map(move |(name, role)| (home, *name, *role)));
    all.map(|(home, name, role)| Member { id: pseudonym(name), name, role, home }).collect()
}

/// `p-` and ten characters that do not reveal the name.
fn pseudonym(name: &str) -> PersonId {
    const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let digest = Sha256::new().chain_update("kith/demo/person/").chain_update(name).finalize();
    let letters = digest.iter().take(10).map(|byte| char::from(BASE32[usize::from(byte & 31)]));
    format!("p-{}", letters.collect::<String>()).parse().expect("small letters and digits are allowed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn forty_people_have_forty_pseudonyms() {
        let members = members();
        let ids: HashSet<_> = members.iter().map(|member| &member.id).collect();
        assert_eq!((members.len(), ids.len()), (40, 40));
        assert!(members.iter().all(|member| member.organisation().as_str() == ORGANISATIONS[member.home].0));
    }
}
