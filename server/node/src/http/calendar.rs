//! `GET /feeds/{secret}/calendar.ics`: what is due for a person, as a calendar that programs subscribe to.
//!
//! What is late stands on today for a while, so that it is seen and does not stay for ever. Invariant: it shows what the
//! feed's reader may ask of the views, and every address that is no feed's looks the same.

use super::{
    Parts,
    answer::{Answer, apart, with_type},
    asked::Asked,
    ical::{AllDay, calendar},
    query::Query,
    refused::Refused,
};
use crate::{
    grpc::{Answered, Failure},
    limits::{FEED_LATE_DAYS_MAX, FEED_ROWS_MAX},
};
use http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH},
};
use http_body_util::Full;
use kith_core::{
    day::Day,
    id::{NetworkName, PersonId},
    may::Reach,
};
use kith_json::day_text;
use kith_proto::v1::{self, ErrorReason, Row, value::Value as Kind, view_service_server::ViewService};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use tonic::body::Body;

const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");

/// What a feed may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Included {
    FollowUps,
    Introductions,
    KeepInTouch,
}

impl Included {
    const ALL: [Self; 3] = [Self::FollowUps, Self::Introductions, Self::KeepInTouch];

    /// The view that it comes from.
    fn view(self) -> &'static str {
        match self {
            Self::FollowUps => "follow_ups",
            Self::Introductions => "introductions",
            Self::KeepInTouch => "keep_in_touch",
        }
    }

    /// The states of the rows that are due, and the column by which the rows come that have just become so.
    fn due(self) -> (&'static [&'static str], &'static str) {
        match self {
            Self::FollowUps => (&["open", "late"], "due_on"),
            Self::Introductions => (&["unanswered"], "-age"),
            Self::KeepInTouch => (&["cooling"], "-ratio"),
        }
    }
}

/// What is asked for.
struct Wanted {
    included: Vec<Included>,
    with_names: bool,
}

impl Wanted {
    fn read(query: &mut Query) -> Result<Self, Failure> {
        let with_names = match query.one("show")?.as_deref() {
            None | Some("names") => true,
            Some("ids") => false,
            Some(_) => return Err(Failure::request("show", "must be names or ids")),
        };
        let Some(list) = query.one("include")? else {
            return Ok(Self { included: Included::ALL.into(), with_names });
        };
        let listed: Vec<&str> = list.split(',').collect();
        if listed.iter().any(|name| Included::ALL.iter().all(|one| one.view() != *name)) {
            return Err(Failure::request("include", "must list some of follow_ups, introductions and keep_in_touch"));
        }
        let included = Included::ALL.into_iter().filter(|one| listed.contains(&one.view())).collect();
        Ok(Self { included, with_names })
    }
}

pub(super) async fn get(door: &Parts, mut asked: Asked) -> Answer {
    let mut query = std::mem::take(&mut asked.query);
    let wanted = Wanted::read(&mut query)?;
    query.finish()?;
    let (network, person) = whose(&asked).ok_or_else(Refused::no_route)?;
    let entered = door.node.log().network(&network).ok_or_else(Refused::no_route)?;

    let (mut answers, mut as_of) = (Vec::new(), Day::new(0));
    for included in wanted.included {
        if let Some(answer) = rows(door, &asked, (&network, &person), included).await? {
            as_of = as_of.max(Day::new(answer.day));
            answers.push((included, answer));
        }
    }
    let names = match asked.visitor.standing() {
        Some(standing) if wanted.with_names => {
            let (people, reading) = (people(&answers), entered.clone());
            door.node
                .reads(&standing.principal, &entered)
                .run(move || reading.names(&people))
                .await
                .map_err(Failure::from)?
        }
        _ => HashMap::new(),
    };
    let url = &door.node.http().public_url;
    let page = (!url.is_empty()).then(|| format!("{url}/#/{network}/pairs"));
    let feed = Feed { person, names, log: hex::encode(entered.incarnation()), page };
    let mut events = Vec::new();
    for (included, answer) in &answers {
        events.extend(answer.rows.iter().filter_map(|row| feed.event(*included, &answer.fields, row, as_of)));
    }
    Ok(answer(&asked, calendar(&format!("Kith: {network}"), as_of, &events))?)
}

/// Whose feed it is, in which network.
fn whose(asked: &Asked) -> Option<(NetworkName, PersonId)> {
    let principal = &asked.visitor.standing()?.principal;
    let Reach::Network(network) = &principal.reach else { return None };
    Some((network.clone(), principal.person.clone()?))
}

/// The rows of a view that are due for a person; `None` if there is no such view any more.
async fn rows(
    door: &Parts,
    asked: &Asked,
    (network, person): (&NetworkName, &PersonId),
    included: Included,
) -> Result<Option<v1::QueryViewResponse>, Failure> {
    let (states, sort) = included.due();
    let texts = states.iter().map(|state| (*state).to_owned()).collect();
    let request = v1::QueryViewRequest {
        network: network.to_string(),
        view: included.view().to_owned(),
        person: person.to_string(),
        sort: sort.to_owned(),
        page_size: FEED_ROWS_MAX,
        only: Some(v1::Only { column: "state".to_owned(), texts }),
        ..v1::QueryViewRequest::default()
    };
    match ViewService::query_view(&door.services, asked.call(request)).await {
        Ok(answer) => Ok(Some(apart(answer).0)),
        Err(refused) => {
            let failure = Failure::of_status(&refused);
            if failure.reason() == ErrorReason::ViewUnknown { Ok(None) } else { Err(failure) }
        }
    }
}

/// Everybody in rows, once each.
fn people(answers: &[(Included, v1::QueryViewResponse)]) -> Vec<PersonId> {
    let rows = answers.iter().flat_map(|(_, answer)| &answer.rows);
    let named = rows.flat_map(|row| {
        let in_values = row.values.iter().filter_map(|value| match &value.value {
            Some(Kind::Person(person)) => Some(person),
            _ => None,
        });
        row.key.iter().chain(in_values)
    });
    let mut people: Vec<PersonId> = named.filter_map(|id| id.parse().ok()).collect();
    people.sort_unstable();
    people.dedup();
    people
}

/// The calendar, or that it is the one that the caller has.
fn answer(asked: &Asked, text: String) -> Result<Response<Body>, Failure> {
    let tag = format!("\"{}\"", hex::encode(&Sha256::digest(text.as_bytes())[..16]));
    let is_known = asked.header(&IF_NONE_MATCH)?.is_some_and(|known| known.split(',').any(|one| one.trim() == tag));
    let bytes = if is_known { 0 } else { text.len() };
    let body = if is_known { Body::empty() } else { Body::new(Full::from(text)) };
    let mut response = with_type("text/calendar; charset=utf-8", body);
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(ROBOTS, HeaderValue::from_static("noindex"));
    headers.insert(ETAG, HeaderValue::try_from(tag).expect("hexadecimal digits in quotes are a header"));
    response.extensions_mut().insert(Answered { bytes, details: None, recorded: false });
    Ok(response)
}

/// What events are made with.
struct Feed {
    person: PersonId,
    names: HashMap<PersonId, String>,
    /// The incarnation of the log, so that events of different logs are different events.
    log: String,
    /// Where the pages of pairs are, if that is known.
    page: Option<String>,
}

impl Feed {
    /// What a row says is due; `None` if it has been late for too long, or is not that of the built-in view.
    fn event(&self, included: Included, fields: &[v1::Field], row: &Row, today: Day) -> Option<AllDay> {
        let columns = Columns { fields, row };
        let with = self.with(row);
        let (what, due_on, summary, description) = match included {
            Included::FollowUps => {
                let (due_on, met_on) = (columns.day("due_on")?, columns.day("met_on")?);
                let about = format!("You met on {}. A follow-up is due by {}.", day_text(met_on), day_text(due_on));
                (row.item.to_string(), due_on, format!("Follow up with {with}"), about)
            }
            Included::Introductions => {
                let (referred_on, referrer) = (columns.day("referred_on")?, self.called(columns.person("referrer")?));
                let about = format!("{referrer} introduced you on {}. Nobody has answered.", day_text(referred_on));
                (row.item.to_string(), referred_on, format!("Answer {referrer} about {with}"), about)
            }
            Included::KeepInTouch => {
                let (due_on, last) = (columns.day("due_on")?, columns.day("last_contact")?);
                let about = format!("Your last contact was on {}, longer ago than usual.", day_text(last));
                (day_text(last), due_on, format!("Get in touch with {with}"), about)
            }
        };
        let late = today.number() - due_on.number();
        // A tie may cool long after its usual gap is over, and is warm again or silent by itself.
        if late > FEED_LATE_DAYS_MAX && included != Included::KeepInTouch {
            return None;
        }
        let [a, b] = [0, 1].map(|at| row.key.get(at).map_or("", String::as_str));
        Some(AllDay {
            uid: format!("{}.{what}.{a}.{b}@{}", included.view(), self.log),
            day: today.max(due_on),
            sequence: u32::try_from(late).unwrap_or(0),
            summary: if late > 0 { format!("{summary} ({})", late_text(included, late)) } else { summary },
            description,
            url: self.page.as_ref().map(|page| format!("{page}/{a}/{b}")),
        })
    }

    /// With whom the person has to do it.
    fn with(&self, row: &Row) -> String {
        let others = row.key.iter().filter(|id| **id != self.person.as_str()).map(|id| self.called(id));
        others.collect::<Vec<_>>().join(" and ")
    }

    /// A person by name, or by id.
    fn called<'a>(&'a self, id: &'a str) -> &'a str {
        id.parse().ok().and_then(|id: PersonId| self.names.get(&id)).map_or(id, String::as_str)
    }
}

fn late_text(included: Included, days: i32) -> String {
    let days = if days == 1 { "1 day".to_owned() } else { format!("{days} days") };
    match included {
        Included::FollowUps => format!("{days} late"),
        Included::Introductions => format!("{days} without an answer"),
        Included::KeepInTouch => format!("{days} more than usual"),
    }
}

/// A row by the names of its columns.
struct Columns<'a> {
    fields: &'a [v1::Field],
    row: &'a Row,
}

impl<'a> Columns<'a> {
    fn value(&self, name: &str) -> Option<&'a Kind> {
        let at = self.fields.iter().position(|field| field.name == name)?;
        self.row.values.get(at)?.value.as_ref()
    }

    fn day(&self, name: &str) -> Option<Day> {
        match self.value(name)? {
            Kind::Day(day) => Some(Day::new(*day)),
            _ => None,
        }
    }

    fn person(&self, name: &str) -> Option<&'a str> {
        match self.value(name)? {
            Kind::Person(person) => Some(person),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: Day = Day::new(20_520);

    fn feed() -> Feed {
        let names = HashMap::from([("ben".parse().unwrap(), "Ben Okoro".to_owned())]);
        let page = Some("https://kith.example.org/#/north/pairs".to_owned());
        Feed { person: "amina".parse().unwrap(), names, log: "0707".to_owned(), page }
    }

    fn row(columns: &[(&str, Kind)]) -> (Vec<v1::Field>, Row) {
        let fields = columns.iter().map(|(name, _)| v1::Field { name: (*name).to_owned(), ..v1::Field::default() });
        let values = columns.iter().map(|(_, value)| v1::Value { value: Some(value.clone()) });
        let key = ["amina", "ben"].map(str::to_owned).to_vec();
        (fields.collect(), Row { key, item: 7, values: values.collect(), ..Row::default() })
    }

    fn follow_up(due_on: i32) -> Option<AllDay> {
        let day = |number| Kind::Day(TODAY.number() + number);
        let (fields, row) = row(&[("due_on", day(due_on)), ("met_on", day(due_on - 7))]);
        feed().event(Included::FollowUps, &fields, &row, TODAY)
    }

    #[test]
    fn what_is_to_be_done_stands_on_its_day_and_what_is_late_on_today() {
        let open = follow_up(2).unwrap();
        assert_eq!((open.day.number() - TODAY.number(), open.sequence), (2, 0));
        assert_eq!((&*open.summary, &*open.uid), ("Follow up with Ben Okoro", "follow_ups.7.amina.ben@0707"));
        assert_eq!(open.url.as_deref(), Some("https://kith.example.org/#/north/pairs/amina/ben"));
        let late = follow_up(-1).unwrap();
        assert_eq!((late.day, late.sequence, &*late.summary), (TODAY, 1, "Follow up with Ben Okoro (1 day late)"));
        assert_eq!(late.uid, open.uid, "it moves, and is the same event");
        assert_eq!(follow_up(-30).unwrap().summary, "Follow up with Ben Okoro (30 days late)");
        assert_eq!(follow_up(-31), None);
    }

    #[test]
    fn introductions_and_ties_that_cool_are_named() {
        let on = |number| Kind::Day(TODAY.number() + number);
        let (fields, introduced) = row(&[("referrer", Kind::Person("carol".into())), ("referred_on", on(-3))]);
        let event = feed().event(Included::Introductions, &fields, &introduced, TODAY).unwrap();
        assert_eq!(event.summary, "Answer carol about Ben Okoro (3 days without an answer)");
        let (fields, cooling) = row(&[("due_on", on(-90)), ("last_contact", on(-120))]);
        let event = feed().event(Included::KeepInTouch, &fields, &cooling, TODAY).unwrap();
        assert_eq!((event.day, &*event.summary), (TODAY, "Get in touch with Ben Okoro (90 days more than usual)"));
    }

    #[test]
    fn rows_of_another_plugin_under_the_name_are_passed_over() {
        let (fields, row) = row(&[("due_on", Kind::Text("soon".into()))]);
        assert_eq!(feed().event(Included::FollowUps, &fields, &row, TODAY), None);
    }
}
