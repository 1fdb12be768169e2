//! Every call that there is, read from the descriptors: a new call is fuzzed without a line here.

use prost::Message;
use prost_types::{DescriptorProto, FileDescriptorSet};
use std::collections::HashMap;

/// A call.
#[derive(Debug, Clone)]
pub(crate) struct Method {
    /// Where it is called.
    pub(crate) path: String,
    /// The full name of its message, with a dot before it.
    pub(crate) input: String,
    /// Whether several messages are sent.
    pub(crate) streams_in: bool,
    /// Whether several messages are answered.
    pub(crate) streams_out: bool,
}

impl Method {
    /// Whether it is one of ours, whose refusals all have a reason.
    pub(crate) fn is_ours(&self) -> bool {
        self.path.starts_with("/kith.v1.")
    }
}

/// The calls and what their messages are made of.
pub(crate) struct Schema {
    pub(crate) methods: Vec<Method>,
    messages: HashMap<String, DescriptorProto>,
}

impl Schema {
    /// All services of the server.
    pub(crate) fn load() -> Self {
        let mut schema = Self { methods: Vec::new(), messages: HashMap::new() };
        for set in [kith_proto::DESCRIPTOR_SET, tonic_health::pb::FILE_DESCRIPTOR_SET] {
            schema.add(FileDescriptorSet::decode(set).expect("descriptors are messages"));
        }
        schema
    }

    fn add(&mut self, set: FileDescriptorSet) {
        for file in set.file {
            let package = format!(".{}", file.package());
            for service in &file.service {
                for method in &service.method {
                    self.methods.push(Method {
                        path: format!("/{}.{}/{}", file.package(), service.name(), method.name()),
                        input: method.input_type().to_owned(),
                        streams_in: method.client_streaming(),
                        streams_out: method.server_streaming(),
                    });
                }
            }
            file.message_type.into_iter().for_each(|message| self.add_message(&package, message));
        }
    }

    fn add_message(&mut self, parent: &str, message: DescriptorProto) {
        let name = format!("{parent}.{}", message.name());
        message.nested_type.iter().for_each(|nested| self.add_message(&name, nested.clone()));
        self.messages.insert(name, message);
    }

    /// What a message is made of.
    pub(crate) fn message(&self, name: &str) -> &DescriptorProto {
        self.messages.get(name).unwrap_or_else(|| panic!("{name} is described"))
    }
}
