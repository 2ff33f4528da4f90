//! An API server in memory: as much of one as the operator uses, with the bad days of a real one.
//!
//! Lists, watches that resume at a version, server-side apply of finalizers and statuses, optimistic locking,
//! deletion with finalizers.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use kube::{Client, client::Body};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::effects::{Effects, Fault, Gate, Life};

/// What the server answers with.
type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

/// The namespace of the pairs.
pub const NAMESPACE: &str = "web";

/// Where an object is: plural, namespace, name.
type Key = (String, String, String);

/// What the server holds.
#[derive(Clone, Debug, Default)]
pub struct Store {
    version: u64,
    objects: BTreeMap<Key, Value>,
    history: Vec<Change>,
    uids: u64,
    /// Every event that was told.
    pub events: Vec<Value>,
}

#[derive(Clone, Debug)]
struct Change {
    version: u64,
    kind: &'static str,
    key: Key,
    object: Value,
}

/// What goes wrong between the operator and the server, in percent of the requests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    /// The server is not there at all.
    pub gone: bool,
    /// A write is refused as a conflict.
    pub conflicts: u32,
    /// A write happens, and its answer is lost.
    pub lost_answers: u32,
    /// A watch ends after an event.
    pub cut_watches: u32,
    /// A watch shows an event twice.
    pub repeats: u32,
    /// A list is served from a cache that is some changes behind.
    pub stale_lists: u32,
    /// A watch is refused as too old.
    pub expired: u32,
    /// No Secret may be read.
    pub secrets_forbidden: bool,
}

/// The server.
#[derive(Clone, Debug)]
pub struct Api {
    store: Arc<Mutex<Store>>,
    version: Arc<watch::Sender<u64>>,
    weather: Arc<Mutex<Weather>>,
    random: Arc<Mutex<StdRng>>,
    effects: Effects,
}

/// A request's path, taken apart.
struct Target {
    key: Key,
    status: bool,
    cluster_wide: bool,
}

impl Api {
    /// A server that holds this.
    pub fn new(store: Store, effects: Effects, seed: u64) -> Self {
        let version = Arc::new(watch::Sender::new(store.version));
        Self {
            store: Arc::new(Mutex::new(store)),
            version,
            weather: Arc::default(),
            random: Arc::new(Mutex::new(StdRng::seed_from_u64(seed))),
            effects,
        }
    }

    /// What it holds.
    pub fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().expect("no panic while the store is changed")
    }

    /// Sets the weather.
    pub fn set_weather(&self, weather: Weather) {
        *self.weather.lock().expect("no panic under the weather") = weather;
        // Watches notice that the server is gone.
        self.version.send_modify(|_| {});
    }

    fn weather(&self) -> Weather {
        *self.weather.lock().expect("no panic under the weather")
    }

    fn happens(&self, percent: u32) -> bool {
        percent > 0
            && self
                .random
                .lock()
                .expect("no panic while drawing")
                .random_range(0..100)
                < percent
    }

    /// Creates an object, or changes what a person declares of it.
    pub fn apply(&self, mut object: Value) {
        let key = key_of(&object);
        let mut store = self.store();
        if let Some(present) = store.objects.get(&key).cloned() {
            object["status"] = present["status"].clone();
            object["metadata"]["uid"] = present["metadata"]["uid"].clone();
            object["metadata"]["creationTimestamp"] = present["metadata"]["creationTimestamp"].clone();
            object["metadata"]["finalizers"] = present["metadata"]["finalizers"].clone();
            let generation = present["metadata"]["generation"].as_i64().unwrap_or(1);
            object["metadata"]["generation"] =
                json!(generation + i64::from(present["spec"] != object["spec"]));
            if let Some(deleted) = present["metadata"].get("deletionTimestamp") {
                object["metadata"]["deletionTimestamp"] = deleted.clone();
            }
            store.put("MODIFIED", key, object);
        } else {
            store.uids += 1;
            object["metadata"]["uid"] = json!(format!("uid-{}", store.uids));
            let (minutes, seconds) = (store.uids / 60, store.uids % 60);
            object["metadata"]["creationTimestamp"] =
                json!(format!("2026-01-01T00:{minutes:02}:{seconds:02}Z"));
            object["metadata"]["generation"] = json!(1);
            if object["apiVersion"] == "hapair.dev/v1alpha1" {
                object["status"] = json!({"observedGeneration": hapair_crds::UNOBSERVED});
            }
            store.put("ADDED", key, object);
        }
        drop(store);
        self.tell();
    }

    /// Deletes an object as a person does: at once, or when its finalizers are gone.
    pub fn delete(&self, plural: &str, name: &str) {
        let key = (plural.to_owned(), NAMESPACE.to_owned(), name.to_owned());
        let mut store = self.store();
        let Some(mut object) = store.objects.get(&key).cloned() else {
            return;
        };
        if has_finalizers(&object) {
            let generation = object["metadata"]["generation"].as_i64().unwrap_or(1);
            object["metadata"]["generation"] = json!(generation + 1);
            object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
            store.put("MODIFIED", key, object);
        } else {
            store.remove(&key);
        }
        drop(store);
        self.tell();
    }

    /// Takes an object away as if it had been deleted long ago.
    pub fn forget(&self, plural: &str, name: &str) {
        self.store()
            .remove(&(plural.to_owned(), NAMESPACE.to_owned(), name.to_owned()));
        self.tell();
    }

    fn tell(&self) {
        let version = self.store().version;
        self.version.send_replace(version);
    }

    /// An object, if it exists.
    pub fn get(&self, plural: &str, name: &str) -> Option<Value> {
        self.store()
            .objects
            .get(&(plural.to_owned(), NAMESPACE.to_owned(), name.to_owned()))
            .cloned()
    }

    /// A condition of an object: status, reason and message.
    pub fn condition(&self, plural: &str, name: &str, type_: &str) -> Option<(String, String, String)> {
        let object = self.get(plural, name)?;
        let condition = object["status"]["conditions"]
            .as_array()?
            .iter()
            .find(|each| each["type"] == type_)?
            .clone();
        let text = |field: &str| condition[field].as_str().unwrap_or_default().to_owned();
        Some((text("status"), text("reason"), text("message")))
    }

    /// A client for the operator behind this gate.
    pub fn client(&self, gate: &Gate) -> Client {
        let (api, gate) = (self.clone(), gate.clone());
        let service = tower::service_fn(move |request: Request<Body>| {
            let (api, gate) = (api.clone(), gate.clone());
            async move { api.serve(request, gate).await }
        });
        Client::new(service, NAMESPACE)
    }

    async fn serve(&self, request: Request<Body>, gate: Gate) -> Result<Answer, std::io::Error> {
        gate.pass().await;
        // A round trip; time has to pass for whoever tries again at once.
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        gate.pass().await;
        if self.weather().gone {
            return Err(std::io::Error::other("connection refused"));
        }
        let (parts, body) = request.into_parts();
        let target = target(parts.uri.path());
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let answer = match parts.method {
            Method::GET if query.contains("watch=true") => self.watch(&target, &query, gate.clone()),
            Method::GET if target.key.2.is_empty() => self.list(&target),
            Method::GET if target.key.0 == "secrets" && self.weather().secrets_forbidden => {
                failure(403, "Forbidden")
            }
            Method::GET => match self.store().objects.get(&target.key) {
                Some(object) => whole(200, object),
                None => failure(404, "NotFound"),
            },
            _ => self.write(&parts.method, &target, body, &gate).await?,
        };
        gate.pass().await;
        Ok(answer)
    }

    /// A write is an effect, but for the Lease's: they go on for ever.
    async fn write(
        &self,
        method: &Method,
        target: &Target,
        body: Value,
        gate: &Gate,
    ) -> Result<Answer, std::io::Error> {
        let weather = self.weather();
        if self.happens(weather.conflicts) {
            return Ok(failure(409, "Conflict"));
        }
        let counted = target.key.0 != "leases";
        let fault = if counted {
            self.effects.next(format!(
                "API: {method} {} {}{}",
                target.key.0,
                target.key.2,
                if target.status { "/status" } else { "" }
            ))
        } else {
            None
        };
        if fault == Some(Fault::DiesBefore) {
            gate.set(Life::Dead);
            gate.pass().await;
        }
        let answer = self.change(method, target, body);
        match fault {
            Some(Fault::DiesAfter | Fault::DiesUnheard) => gate.set(Life::Dead),
            Some(Fault::Disconnects) => return Err(std::io::Error::other("connection reset")),
            _ => {}
        }
        if self.happens(weather.lost_answers) {
            return Err(std::io::Error::other("connection reset"));
        }
        Ok(answer)
    }

    fn change(&self, method: &Method, target: &Target, body: Value) -> Answer {
        let mut store = self.store();
        let answer = match *method {
            Method::POST if target.key.0 == "events" => {
                store.events.push(body.clone());
                let mut event = body;
                event["metadata"]["name"] = json!(format!("event-{}", store.events.len()));
                whole(201, &event)
            }
            Method::POST => {
                let name = body["metadata"]["name"].as_str().unwrap_or_default().to_owned();
                let key = (target.key.0.clone(), target.key.1.clone(), name);
                if store.objects.contains_key(&key) {
                    failure(409, "AlreadyExists")
                } else {
                    whole(201, &store.put("ADDED", key, body))
                }
            }
            Method::PUT => match store.objects.get(&target.key) {
                None => failure(404, "NotFound"),
                Some(present)
                    if present["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"] =>
                {
                    failure(409, "Conflict")
                }
                Some(_) => whole(200, &store.put("MODIFIED", target.key.clone(), body)),
            },
            Method::PATCH => store.patch(target, &body),
            _ => failure(405, "MethodNotAllowed"),
        };
        drop(store);
        self.tell();
        answer
    }

    fn list(&self, target: &Target) -> Answer {
        let store = self.store();
        let behind = if self.happens(self.weather().stale_lists) {
            3
        } else {
            0
        };
        let version = store.version.saturating_sub(behind);
        let objects = if behind == 0 {
            store.objects.clone()
        } else {
            store.as_of(version)
        };
        let items: Vec<_> = objects
            .iter()
            .filter(|(key, _)| target.covers(key))
            .map(|(_, object)| object)
            .collect();
        whole(
            200,
            &json!({"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": version.to_string()}, "items": items}),
        )
    }

    fn watch(&self, target: &Target, query: &str, gate: Gate) -> Answer {
        if self.happens(self.weather().expired) {
            return failure(410, "Expired");
        }
        let since = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("resourceVersion="))
            .and_then(|version| version.parse().ok());
        let watch = Watch {
            api: self.clone(),
            version: self.version.subscribe(),
            gate,
            plural: target.key.0.clone(),
            namespace: if target.cluster_wide {
                None
            } else {
                Some(target.key.1.clone())
            },
            since: since.unwrap_or(0),
            queued: Vec::new(),
            cut: false,
        };
        let stream = futures::stream::unfold(watch, Watch::next);
        Response::new(StreamBody::new(stream).boxed_unsync())
    }
}

struct Watch {
    api: Api,
    version: watch::Receiver<u64>,
    gate: Gate,
    plural: String,
    namespace: Option<String>,
    since: u64,
    queued: Vec<Change>,
    cut: bool,
}

impl Watch {
    async fn next(mut self) -> Option<(Result<http_body::Frame<Bytes>, Infallible>, Self)> {
        loop {
            if self.cut || self.api.weather().gone {
                return None;
            }
            if let Some(change) = (!self.queued.is_empty()).then(|| self.queued.remove(0)) {
                self.gate.pass().await;
                let line = json!({"type": change.kind, "object": change.object}).to_string() + "\n";
                if self.api.happens(self.api.weather().repeats) {
                    self.queued.insert(0, change);
                }
                self.cut = self.api.happens(self.api.weather().cut_watches);
                return Some((Ok(http_body::Frame::data(Bytes::from(line))), self));
            }
            self.version.borrow_and_update();
            let (plural, namespace, since) = (&self.plural, &self.namespace, self.since);
            let news: Vec<_> = {
                let store = self.api.store();
                let ours = |change: &&Change| {
                    change.version > since
                        && change.key.0 == *plural
                        && namespace
                            .as_ref()
                            .is_none_or(|namespace| change.key.1 == *namespace)
                };
                store.history.iter().filter(ours).cloned().collect()
            };
            if let Some(last) = news.last() {
                self.since = last.version;
                self.queued = news;
                continue;
            }
            if self.version.changed().await.is_err() {
                return None;
            }
        }
    }
}

impl Target {
    fn covers(&self, key: &Key) -> bool {
        key.0 == self.key.0 && (self.cluster_wide || key.1 == self.key.1)
    }
}

impl Store {
    fn put(&mut self, kind: &'static str, key: Key, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        object["metadata"]["namespace"] = json!(key.1);
        self.objects.insert(key.clone(), object.clone());
        self.history.push(Change {
            version: self.version,
            kind,
            key,
            object: object.clone(),
        });
        object
    }

    fn remove(&mut self, key: &Key) {
        if let Some(mut object) = self.objects.remove(key) {
            self.version += 1;
            object["metadata"]["resourceVersion"] = json!(self.version.to_string());
            self.history.push(Change {
                version: self.version,
                kind: "DELETED",
                key: key.clone(),
                object,
            });
        }
    }

    fn as_of(&self, version: u64) -> BTreeMap<Key, Value> {
        let mut objects = BTreeMap::new();
        for change in self.history.iter().filter(|change| change.version <= version) {
            if change.kind == "DELETED" {
                objects.remove(&change.key);
            } else {
                objects.insert(change.key.clone(), change.object.clone());
            }
        }
        objects
    }

    /// Server-side apply by the operator: it owns the status, and one finalizer.
    fn patch(&mut self, target: &Target, body: &Value) -> Answer {
        let Some(present) = self.objects.get(&target.key).cloned() else {
            return failure(404, "NotFound");
        };
        if body["metadata"]["uid"]
            .as_str()
            .is_some_and(|uid| present["metadata"]["uid"] != uid)
        {
            return failure(409, "Conflict");
        }
        let mut object = present.clone();
        if target.status {
            object["status"] = body["status"].clone();
        } else {
            object["metadata"]["finalizers"] = body["metadata"]["finalizers"].clone();
        }
        if object == present {
            return whole(200, &present);
        }
        let deleted = object["metadata"].get("deletionTimestamp").is_some() && !has_finalizers(&object);
        let written = self.put("MODIFIED", target.key.clone(), object);
        if deleted {
            self.remove(&target.key);
        }
        whole(200, &written)
    }

    /// The version of the last change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// An object as it was then, and every version of it since.
    pub fn versions(&self, plural: &str, name: &str, since: u64) -> Vec<Value> {
        let is_it = |key: &Key| key.0 == plural && key.2 == name;
        let then = self
            .as_of(since)
            .into_iter()
            .find(|(key, _)| is_it(key))
            .map(|(_, object)| object);
        let later = self
            .history
            .iter()
            .filter(|change| change.version > since && is_it(&change.key))
            .map(|change| change.object.clone());
        then.into_iter().chain(later).collect()
    }

    /// Every object, as text: for what must not be in one.
    pub fn text(&self) -> String {
        let objects = self
            .objects
            .iter()
            .filter(|(key, _)| key.0 != "secrets")
            .map(|(_, object)| object.to_string());
        objects.chain(self.events.iter().map(Value::to_string)).collect()
    }

    /// The objects of one kind.
    pub fn of_kind<'a>(&'a self, plural: &'a str) -> impl Iterator<Item = &'a Value> {
        self.objects
            .iter()
            .filter(move |(key, _)| key.0 == plural)
            .map(|(_, object)| object)
    }
}

fn has_finalizers(object: &Value) -> bool {
    object["metadata"]["finalizers"]
        .as_array()
        .is_some_and(|all| !all.is_empty())
}

fn key_of(object: &Value) -> Key {
    let plural = object["kind"].as_str().unwrap_or_default().to_lowercase() + "s";
    (
        plural,
        NAMESPACE.to_owned(),
        object["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
    )
}

/// `/apis/GROUP/VERSION/namespaces/NAMESPACE/PLURAL/NAME/status`, or `/api/VERSION/…`, or without a
/// namespace.
fn target(path: &str) -> Target {
    let mut parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    parts.drain(..if parts[0] == "api" { 2 } else { 3 });
    let cluster_wide = parts[0] != "namespaces";
    let namespace = if cluster_wide {
        String::new()
    } else {
        parts[1].to_owned()
    };
    let rest = if cluster_wide { &parts[..] } else { &parts[2..] };
    let part = |at: usize| rest.get(at).map(|part| (*part).to_owned()).unwrap_or_default();
    Target {
        key: (part(0), namespace, part(1)),
        status: part(2) == "status",
        cluster_wide,
    }
}

fn whole(code: u16, value: &Value) -> Answer {
    let body = Full::new(Bytes::from(value.to_string())).boxed_unsync();
    let mut answer = Response::new(body);
    *answer.status_mut() = http::StatusCode::from_u16(code).expect("a status code");
    answer
}

fn failure(code: u16, reason: &str) -> Answer {
    whole(
        code,
        &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": reason, "reason": reason, "code": code}),
    )
}
