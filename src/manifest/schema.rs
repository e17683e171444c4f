//! The JSON Schema of the manifest, for editors and for `advaudit schema manifest`.

use schemars::generate::SchemaSettings;
use schemars::transform::transform_subschemas;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};

use super::syntax::ManifestFile;

/// The schema of `ManifestFile`. Draft 7, because that is what every YAML language server reads.
pub fn json_schema() -> Value {
    let settings = SchemaSettings::draft07().with_transform(plain);
    let mut schema = SchemaGenerator::new(settings).into_root_schema_for::<ManifestFile>();
    schema.insert("$id".to_owned(), json!("urn:advaudit:manifest:v1"));
    schema.insert("title".to_owned(), json!("advaudit manifest"));
    schema.to_value()
}

/// Makes of the schema of Rust types what an editor of YAML needs.
fn plain(schema: &mut Schema) {
    without_null(schema);
    if schema.get("format").is_some_and(|format| format == "uint64") {
        schema.remove("format"); // not a word of JSON Schema; strict validators stop at it
    }
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = text.replace('\n', " "); // the lines of a doc comment
    }
    transform_subschemas(&mut plain, schema);
}

/// An optional key may be absent, but `key:` with nothing after it is an error.
fn without_null(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [single] = &types[..] {
            let single = single.clone();
            schema.insert("type".to_owned(), single);
        }
    }
    if let Some(Value::Array(options)) = schema.get_mut("anyOf") {
        options.retain(|option| option != &json!({"type": "null"}));
        if options.len() == 1 {
            // Draft 7 ignores what stands beside a bare `$ref`, such as the description.
            let single = schema.remove("anyOf");
            schema.insert("allOf".to_owned(), single.unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::manifest::keys::{self, Keys};

    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/manifest.schema.json");

    /// `ADVAUDIT_BLESS=1 cargo test` writes the file anew.
    #[test]
    fn the_file_in_the_repository_is_what_the_types_say() {
        let wanted = format!("{:#}\n", json_schema());
        if std::env::var_os("ADVAUDIT_BLESS").is_some() {
            std::fs::write(FILE, &wanted).expect("the schema can be written");
        }
        let found = std::fs::read_to_string(FILE).expect("the schema can be read");
        assert!(found == wanted, "schema/manifest.schema.json is stale: run with ADVAUDIT_BLESS=1");
    }

    #[test]
    fn the_keys_that_are_checked_are_the_fields_of_the_types() {
        let schema = json_schema();
        let pairs: [(&str, &Keys); 5] = [
            ("", &keys::MANIFEST),
            ("/definitions/ToggleBlock", &keys::TOGGLE),
            ("/definitions/LimitsBlock", &keys::LIMITS),
            ("/definitions/UserBlock", &keys::USER_ENTRY),
            ("/definitions/GroupBlock", &keys::GROUP_ENTRY),
        ];
        for (block, keys) in pairs {
            let fields = schema.pointer(&format!("{block}/properties")).and_then(Value::as_object);
            let fields: BTreeSet<_> = fields.expect("a block").keys().map(String::as_str).collect();
            assert_eq!(fields, keys.known.iter().copied().collect(), "{}", keys.place);
        }
    }

    fn is_valid(manifest: &str) -> bool {
        let head = "apiVersion: advaudit/v1\ntenant: contoso.com\n";
        let value: Value = serde_yaml::from_str(&format!("{head}{manifest}")).expect("YAML");
        jsonschema::validator_for(&json_schema()).expect("a schema").is_valid(&value)
    }

    #[test]
    fn an_editor_accepts_every_form_of_the_contract() {
        assert!(is_valid(
            "toggle: {wait: 60m, groupWait: 0m, groupGate: 2h, maxOff: 10%, canary: 5, maxFailures: 3,
  window: Sat 22:00-04:00 Europe/Berlin, mustBeOnBy: 07:00 Europe/Berlin}
limits: {enable: 100%, toggle: 25, groupMembers: 1000}
protect: [ceo@contoso.com]
users:
  - adele.vance@contoso.com
  - {user: a@b.c, toggleIfEnabledBefore: 2026-11-20T00:00:00Z, reason: x, license: SPE_E5}
  - {all: licensed, except: [svc-scan@contoso.com], allowEmpty: true, members: enabled}
  - filter: department eq 'Legal'
  - membersOf: Forensics Watchlist
groups:
  - E5 Legal
  - {group: E5, toggleIfEnabledBefore: 2026-11-20T00:00:00Z}
"
        ));
    }

    #[test]
    fn an_editor_underlines_what_check_refuses() {
        for manifest in [
            "colour: red",
            "users:",
            "users: a@b.c",
            "users: [{user: a@b.c, all: licensed}]",
            "users: [{reason: x}]",
            "users: [{all: everyone}]",
            "groups: [{user: a@b.c}]",
            "groups: [5]",
            "toggle: {wait: 60}",
            "toggle: {maxOff: 101%}",
            "toggle: {canary: 0}",
            "toggle: {window: nights}",
            "toggle: {window: []}",
            "toggle: {window: Sat 22:00-04:00}",
            "limits: {groupMembers: 0}",
            "limits: {enable: -5}",
        ] {
            assert!(!is_valid(manifest), "{manifest}");
        }
    }
}
