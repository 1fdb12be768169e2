//! `GET /openapi.json`: the routes as OpenAPI 3.1 describes them, for whoever asks.

use super::answer::secure;
use bytes::Bytes;
use http::{HeaderValue, Response, header::CONTENT_TYPE};
use http_body_util::Full;
use tonic::body::Body;

/// The description, written by hand.
const DESCRIPTION: &str = include_str!("openapi.json");

/// The description as an answer.
pub(super) fn description() -> Response<Body> {
    let mut response = Response::new(Body::new(Full::new(Bytes::from_static(DESCRIPTION.as_bytes()))));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    secure(response.headers_mut());
    response
}

#[cfg(test)]
mod tests {
    use super::{super::routes::ROUTES, *};
    use kith_core::reason;
    use kith_proto::v1::ErrorReason;
    use serde_json::Value;
    use std::collections::BTreeSet;

    fn described() -> Value {
        serde_json::from_str(DESCRIPTION).unwrap()
    }

    #[test]
    fn every_route_is_described_and_nothing_else() {
        let description = described();
        let paths = description["paths"].as_object().unwrap();
        let mut found = BTreeSet::new();
        for (path, methods) in paths {
            for method in methods.as_object().unwrap().keys().filter(|method| *method != "parameters") {
                found.insert(format!("{} {path}", method.to_ascii_uppercase()));
            }
        }
        assert_eq!(found, ROUTES.iter().map(|(name, _)| (*name).to_owned()).collect());
    }

    #[test]
    fn every_name_in_a_path_is_a_parameter_and_every_reference_has_its_end() {
        let description = described();
        for (path, methods) in description["paths"].as_object().unwrap() {
            let parameters = methods["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
            let named: Vec<_> = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
            let told: Vec<_> = parameters
                .iter()
                .map(|one| one["$ref"].as_str().unwrap().trim_start_matches("#/components/parameters/"))
                .collect();
            assert_eq!(named, told, "{path}");
        }
        let references = DESCRIPTION.split("\"$ref\": \"#").skip(1).map(|rest| rest.split('"').next().unwrap());
        for reference in references {
            assert!(description.pointer(reference).is_some(), "{reference}");
        }
    }

    #[test]
    fn every_reason_is_listed() {
        let description = described();
        let told = &description["components"]["schemas"]["Problem"]["properties"]["reason"]["enum"];
        let told: BTreeSet<&str> = told.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        let all = (1..=i32::from(u8::MAX)).filter_map(|number| ErrorReason::try_from(number).ok());
        assert_eq!(told, all.map(reason::name).collect());
    }
}
