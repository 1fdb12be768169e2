//! The parameters of a request, read strictly: each is known, and those that are not lists are given once.

use super::routes::decoded;
use crate::grpc::{Failure, convert};
use http::Uri;
use kith_core::{day::Day, invalid::Invalid, timestamp::Timestamp};
use kith_json::{read_day, read_time};
use std::str::FromStr;

/// Parameters that have not been taken yet.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the parameters of an address.
    pub(super) fn read(uri: &Uri) -> Result<Self, Failure> {
        let pairs = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let read = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decoded(&name.replace('+', " "))?, decoded(&value.replace('+', " "))?))
        });
        let read: Option<Vec<_>> = read.collect();
        read.map(Self).ok_or_else(|| Failure::request("query", "is not percent-encoded text"))
    }

    /// The values of a parameter that may be given several times.
    pub(super) fn all(&mut self, name: &str) -> Vec<String> {
        let taken = self.0.extract_if(.., |(known, _)| known == name);
        taken.map(|(_, value)| value).collect()
    }

    /// The values of a parameter, read with a parser that is told its name; each value counts once.
    pub(super) fn each<T: Ord>(
        &mut self,
        name: &str,
        parse: impl Fn(&str, &str) -> Result<T, Invalid>,
    ) -> Result<Vec<T>, Failure> {
        let read: Result<Vec<T>, Invalid> = self.all(name).iter().map(|text| parse(text, name)).collect();
        let mut read = read.map_err(|invalid| convert::request_invalid(&invalid))?;
        read.sort_unstable();
        read.dedup();
        Ok(read)
    }

    /// The value of a parameter.
    pub(super) fn one(&mut self, name: &str) -> Result<Option<String>, Failure> {
        let mut all = self.all(name).into_iter();
        match (all.next(), all.next()) {
            (one, None) => Ok(one),
            (_, Some(_)) => Err(Failure::request(name, "must be given once")),
        }
    }

    /// The text of a parameter; empty if it is missing.
    pub(super) fn text(&mut self, name: &str) -> Result<String, Failure> {
        Ok(self.one(name)?.unwrap_or_default())
    }

    /// A number; 0 if it is missing.
    pub(super) fn number<N: FromStr + Default>(&mut self, name: &str) -> Result<N, Failure> {
        let Some(text) = self.one(name)? else { return Ok(N::default()) };
        text.parse().map_err(|_| Failure::request(name, "must be a whole number"))
    }

    /// A time, or a day in UTC, of which `end` says which time is meant.
    pub(super) fn time(&mut self, name: &str, of_day: fn(Day) -> Timestamp) -> Result<Option<Timestamp>, Failure> {
        self.one(name)?.map(|text| time_or_day(name, &text, of_day)).transpose()
    }

    /// A day in UTC.
    pub(super) fn day(&mut self, name: &str) -> Result<Option<Day>, Failure> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        read_day(&text).map(Some).map_err(|_| Failure::request(name, "must be a day such as 2026-03-04"))
    }

    /// Refuses parameters that were not taken.
    pub(super) fn finish(self) -> Result<(), Failure> {
        match self.0.into_iter().next() {
            Some((name, _)) => Err(Failure::request(&name, "must be left out: there is no such parameter")),
            None => Ok(()),
        }
    }
}

/// Reads a time, or the time of a day that is meant by it.
pub(super) fn time_or_day(name: &str, text: &str, of_day: fn(Day) -> Timestamp) -> Result<Timestamp, Failure> {
    let day = || read_day(text).ok().filter(|_| !text.contains(['T', 't', ' '])).map(of_day);
    let problem = "must be a time such as 2026-03-04T10:00:00Z or a day such as 2026-03-04";
    read_time(text).or_else(day).ok_or_else(|| Failure::request(name, problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query::read(&format!("/v1/north/entries?{text}").parse().unwrap()).unwrap()
    }

    #[test]
    fn parameters_are_decoded_and_taken_once() {
        let mut query = query("kind=met&after=7&kind=custom%3Aorg.example%2Fvisit.v1&person=a+b&flag&");
        assert_eq!(query.all("kind"), ["met", "custom:org.example/visit.v1"]);
        assert_eq!((query.number::<u64>("after").unwrap(), query.number::<u64>("limit").unwrap()), (7, 0));
        assert_eq!((query.text("person").unwrap().as_str(), query.text("flag").unwrap().as_str()), ("a b", ""));
        query.finish().unwrap();
    }

    #[test]
    fn what_is_repeated_unknown_or_malformed_is_named() {
        assert_eq!(query("after=1&after=2").one("after").unwrap_err().field(), Some("after"));
        assert_eq!(query("after=-1").number::<u64>("after").unwrap_err().field(), Some("after"));
        assert_eq!(query("at=yesterday").day("at").unwrap_err().field(), Some("at"));
        assert_eq!(query("colour=red").finish().unwrap_err().field(), Some("colour"));
        assert_eq!(Query::read(&"/v1?x=%zz".parse().unwrap()).unwrap_err().field(), Some("query"));
    }

    #[test]
    fn a_day_is_the_time_that_is_meant() {
        let noon = Some(Timestamp::from_millis(43_200_000));
        assert_eq!(query("from=1970-01-01T12:00:00Z").time("from", Day::end).unwrap(), noon);
        assert_eq!(query("from=1970-01-01").time("from", Day::noon).unwrap(), noon);
        assert!(query("from=1970-13-01").time("from", Day::noon).is_err());
    }
}
