//! The types that contracts have in common. Their generated types differ from contract to contract although their
//! definitions are the same, so a macro converts each in the same way.

/// Reads the values and columns of a contract's interface.
macro_rules! words {
    ($wit:ident) => {
        impl From<$wit::Value> for $crate::contract::GuestValue {
            fn from(value: $wit::Value) -> Self {
                match value {
                    $wit::Value::None => Self::None,
                    $wit::Value::Number(number) => Self::Number(number),
                    $wit::Value::Integer(integer) => Self::Integer(integer),
                    $wit::Value::Text(text) => Self::Text(text),
                    $wit::Value::Flag(flag) => Self::Flag(flag),
                    $wit::Value::Day(day) => Self::Day(kith_core::day::Day::new(day)),
                    $wit::Value::Person(person) => Self::Person(person),
                    $wit::Value::Event(position) => Self::Event(kith_core::position::Position::new(position)),
                }
            }
        }

        impl From<$wit::FieldType> for $crate::contract::FieldType {
            fn from(of: $wit::FieldType) -> Self {
                match of {
                    $wit::FieldType::Number => Self::Number,
                    $wit::FieldType::Integer => Self::Integer,
                    $wit::FieldType::Text => Self::Text,
                    $wit::FieldType::Flag => Self::Flag,
                    $wit::FieldType::Day => Self::Day,
                    $wit::FieldType::Person => Self::Person,
                    $wit::FieldType::Event => Self::Event,
                }
            }
        }

        impl From<$wit::Field> for $crate::contract::Field {
            fn from(field: $wit::Field) -> Self {
                Self { name: field.name, of: field.of.into(), about: field.about }
            }
        }
    };
}

pub(in crate::plugin::abi) use words;
