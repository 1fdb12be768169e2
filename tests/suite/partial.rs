//! Readers of a part of a log compute the root of the whole log, and verify it against what was signed.

use futures_util::StreamExt;
use kith_client::{Client, Cursor, Gaps, Options, PartialTree, ReadOptions, Update, v1};
use kith_core::{
    checkpoint::VerifierKey,
    event::{Event, HabitKind, Kind},
    filter::Filter,
    position::Position,
};
use kith_tests::{
    events::{confidential, met, organisation_added, person_added, sent},
    raw::Raw,
    server::Server,
};

const PEOPLE: [&str; 6] = ["amina", "ben", "carol", "dan", "emil", "fay"];

/// A network of two organisations; every third meeting is riverside's own.
struct Network {
    server: Server,
    riverside: Raw,
    owner: Raw,
    recorded: usize,
}

impl Network {
    async fn start() -> Self {
        let server = Server::start();
        let owner = Raw::connect(&server.url(), &server.token()).await;
        let mut directory = vec![organisation_added("riverside"), organisation_added("hillside")];
        directory.extend(PEOPLE.map(|person| person_added(person, "riverside")));
        owner.append(directory.iter().map(sent).collect()).await.unwrap();
        let riverside = Raw::connect(&server.url(), &token(&owner, "riverside").await).await;
        let mut network = Self { server, riverside, owner, recorded: 0 };
        network.record(700).await;
        network
    }

    async fn record(&mut self, count: usize) {
        let meeting = |number: usize| -> Event {
            let pair = [PEOPLE[number % 6], PEOPLE[(number + 1 + number / 6 % 5) % 6]];
            if number.is_multiple_of(3) { confidential(met(&pair)) } else { met(&pair) }
        };
        let events: Vec<_> = (self.recorded..self.recorded + count).map(|number| sent(&meeting(number))).collect();
        self.recorded += count;
        self.riverside.append(events).await.unwrap();
    }

    async fn client(&self, secret: &str) -> Client {
        let options = Options::new(self.server.url(), secret, "default".parse().unwrap());
        Client::connect(options).await.unwrap()
    }

    /// The network's owner, who belongs to no organisation, and a member of each.
    async fn clients(&self) -> [Client; 3] {
        let (riverside, hillside) = (token(&self.owner, "riverside").await, token(&self.owner, "hillside").await);
        [self.client(&self.server.token()).await, self.client(&riverside).await, self.client(&hillside).await]
    }
}

async fn token(owner: &Raw, organisation: &str) -> String {
    let role = v1::Role::Recorder.into();
    let request = v1::IssueTokenRequest { role, organisation: organisation.to_owned(), ..Default::default() };
    owner.issue_token(request).await.unwrap().1
}

fn filters() -> [Filter; 3] {
    [
        Filter::default(),
        Filter { people: vec!["amina".parse().unwrap()], ..Filter::default() },
        Filter { kinds: vec![Kind::Habit(HabitKind::Helped)], ..Filter::default() },
    ]
}

#[tokio::test]
async fn filtered_pages_and_hashes_give_the_signed_root() {
    let network = Network::start().await;
    for client in network.clients().await {
        let mut given = Vec::new();
        for filter in filters() {
            let mut tree = PartialTree::new();
            let mut options = ReadOptions { filter, gaps: Gaps::Hashed, limit: 90, ..ReadOptions::default() };
            let mut entries = 0;
            loop {
                let page = client.read(&options).await.unwrap();
                tree.take_page(&page).unwrap();
                entries += page.entries.len();
                options.after = page.next;
                if page.end {
                    break;
                }
            }
            let head = client.checkpoint().await.unwrap();
            let signed = head.checkpoint.verify(&head.key).unwrap();
            assert_eq!((tree.size(), tree.root()), (signed.size, signed.root));
            given.push(entries);
        }
        assert!(given[0] > given[1] && given[1] > given[2], "the filters leave something out: {given:?}");
    }
}

/// Reads a proved subscription until a checkpoint of `size` entries arrives, and checks every checkpoint before it.
async fn follow_to(
    client: &Client,
    key: &VerifierKey,
    filter: &Filter,
    tree: &mut PartialTree,
    mut cursor: Cursor,
    size: u64,
) -> Cursor {
    let mut updates = client.subscribe_proved(filter.clone(), cursor.clone());
    loop {
        let update: Update = updates.next().await.unwrap().unwrap();
        tree.take_update(&update).unwrap();
        cursor = update.cursor;
        assert_eq!(tree.size(), cursor.position.get());
        if let Some(signed) = update.checkpoint {
            signed.verify(key, tree.size(), tree.root()).unwrap();
            assert!(signed.verify(key, tree.size(), PartialTree::new().root()).is_err());
            if signed.checkpoint.unverified().size == size {
                return cursor;
            }
        }
    }
}

#[tokio::test]
async fn filtered_subscriptions_are_held_against_checkpoints_as_the_log_grows() {
    let mut network = Network::start().await;
    let clients = network.clients().await;
    let key = clients[0].checkpoint().await.unwrap().key;
    let mut readers = Vec::new();
    for client in &clients {
        for filter in filters() {
            readers.push((client, filter, PartialTree::new(), Cursor::default()));
        }
    }
    for more in [0, 1, 300] {
        if more > 0 {
            network.record(more).await;
        }
        let head = network.owner.head().await.unwrap();
        for (client, filter, tree, cursor) in &mut readers {
            *cursor = follow_to(client, &key, filter, tree, cursor.clone(), head.position).await;
            assert_eq!((tree.size(), tree.root().as_bytes().to_vec()), (head.position, head.root.clone()));
        }
    }
}

#[tokio::test]
async fn plain_readers_get_no_hashes_and_backward_ones_cannot() {
    let network = Network::start().await;
    let filter = Some(v1::Filter { people: vec!["amina".into()], ..Default::default() });
    let page = network.owner.read(v1::ReadRequest { filter: filter.clone(), ..Default::default() }).await.unwrap();
    assert!(page.left_out.is_empty());
    let mut plain = network.owner.subscribe(None, filter).await.unwrap();
    loop {
        let message = plain.message().await.unwrap().unwrap();
        assert!(message.left_out.is_empty() && message.checkpoint.is_none());
        if message.caught_up {
            break;
        }
    }
    let backward = v1::Direction::Backward.into();
    let refused = v1::ReadRequest { with_left_out: true, direction: backward, ..Default::default() };
    assert_eq!(network.owner.read(refused).await.unwrap_err().field, "with_left_out");
    let many = v1::ReadRequest { with_left_out: true, limit: 1_001, ..Default::default() };
    assert_eq!(network.owner.read(many).await.unwrap_err().reason, "LIMIT_EXCEEDED");
    let hashed = v1::ReadRequest { with_left_out: true, after: 5, limit: 2, ..Default::default() };
    let page = network.owner.read(hashed).await.unwrap();
    assert!(page.left_out.len() <= 2 && Position::new(page.next) > Position::new(5));
}
