//! A case: a name, what a driver needs for it, and what is asked and expected.

use crate::{
    driver::{Answer, Driver},
    json::{difference, with},
    world::World,
};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

/// What a case asks of a driver.
type Check = Box<dyn Fn(&mut Talk) -> Result<()>>;

/// One case, the same for all drivers.
pub(crate) struct Case {
    pub(crate) name: String,
    /// Features without which it is not for a driver.
    pub(crate) needs: &'static [&'static str],
    check: Check,
}

impl Case {
    pub(crate) fn new(
        name: impl Into<String>,
        needs: &'static [&'static str],
        check: impl Fn(&mut Talk) -> Result<()> + 'static,
    ) -> Self {
        Self { name: name.into(), needs, check: Box::new(check) }
    }

    pub(crate) fn run(&self, talk: &mut Talk) -> Result<()> {
        (self.check)(talk)
    }
}

/// A row of a table of cases.
pub(crate) type Row = (&'static str, &'static [&'static str], fn(&mut Talk) -> Result<()>);

/// The cases of a table; their names begin with that of their group.
pub(crate) fn table(group: &str, rows: &[Row]) -> Vec<Case> {
    rows.iter().map(|&(name, needs, check)| Case::new(format!("{group}: {name}"), needs, check)).collect()
}

/// A talk with a driver about one case.
pub(crate) struct Talk<'a> {
    pub(crate) world: &'a World,
    driver: &'a mut Driver,
}

impl<'a> Talk<'a> {
    pub(crate) fn new(driver: &'a mut Driver, world: &'a World) -> Self {
        Self { world, driver }
    }

    /// What comes of a command.
    pub(crate) fn tell(&mut self, command: Value) -> Result<Answer> {
        self.driver.tell(command)
    }

    /// What the driver answers to a command that must succeed.
    pub(crate) fn ask(&mut self, command: Value) -> Result<Value> {
        let name = command["do"].clone();
        match self.driver.tell(command)? {
            Answer::Ok(answer) => Ok(answer),
            Answer::Error(error) => bail!("{name} failed: {error}"),
        }
    }

    /// How a command fails that must fail.
    pub(crate) fn fails(&mut self, command: Value) -> Result<Value> {
        let name = command["do"].clone();
        match self.driver.tell(command)? {
            Answer::Error(error) => Ok(error),
            Answer::Ok(answer) => bail!("{name} must fail, and answered {answer}"),
        }
    }

    /// Checks that a command fails in this way: `expected` has those fields of the error that are compared.
    pub(crate) fn fails_with(&mut self, command: Value, expected: &Value) -> Result<Value> {
        let error = self.fails(command)?;
        for (name, value) in expected.as_object().expect("expected are the fields of an error") {
            ensure!(error[name] == *value, "{name} is {}, and must be {value}: {error}", error[name]);
        }
        Ok(error)
    }

    /// Opens a connection named `c` to a network.
    pub(crate) fn connect(&mut self, server: &str, token: &str, network: &str) -> Result<()> {
        self.connect_with(server, token, network, json!({}))
    }

    /// The same with more options.
    pub(crate) fn connect_with(&mut self, server: &str, token: &str, network: &str, options: Value) -> Result<()> {
        let command = json!({ "do": "connect", "as": "c", "server": server, "token": token, "network": network });
        self.ask(with(command, options)).map(drop)
    }

    /// Reads messages of a stream until one fulfils a condition; returns all of them.
    pub(crate) fn hear_until(&mut self, stream: &str, mut is_last: impl FnMut(&Value) -> bool) -> Result<Vec<Value>> {
        let mut heard = Vec::new();
        loop {
            let message = self.ask(json!({ "do": "next", "of": stream, "ms": 10_000 }))?;
            ensure!(message["silent"] != true, "nothing more is heard after {} messages", heard.len());
            let is_end = is_last(&message);
            heard.push(message);
            if is_end {
                return Ok(heard);
            }
        }
    }
}

/// Checks that an answer is as expected.
pub(crate) fn equal(found: &Value, expected: &Value) -> Result<()> {
    match difference(found, expected) {
        None => Ok(()),
        Some(why) => bail!("{why}"),
    }
}

/// A part of an answer as a list.
pub(crate) fn items<'a>(answer: &'a Value, name: &str) -> Result<&'a [Value]> {
    answer[name].as_array().map(Vec::as_slice).with_context(|| format!("there is no list {name} in {answer}"))
}
