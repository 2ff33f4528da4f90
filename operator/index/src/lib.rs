//! What the API server holds, by pair: stores of each kind, kept by watches, and a queue of the pairs that
//! something changed for.
//!
//! A pair is queued by its *name*, so that children whose pair does not exist are served too. A kind that
//! cannot be listed makes every answer incomplete, and [`Index::snapshot`] says so instead of showing a pair
//! with fewer children: absence is not deletion.

mod essential;
mod sources;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex},
};

use futures::StreamExt;
use hapair_crds::{FloatingIP, HAPair, ReplicatedVolume, ServiceGroup};
use hapair_intake::{Declared, NotUnderstood, OfPair, PairName, Snapshot, Unknown};
use kube::{
    Api, Client, ResourceExt,
    runtime::{
        WatchStreamExt,
        reflector::{self, ObjectRef, Store},
        watcher,
    },
};
use tokio::sync::mpsc;

pub use essential::essential;

/// The stores of all kinds.
#[derive(Debug)]
pub struct Index {
    pairs: Stores<HAPair>,
    volumes: Stores<ReplicatedVolume>,
    floating_ips: Stores<FloatingIP>,
    groups: Stores<ServiceGroup>,
    troubles: Troubles,
}

/// Why listings do not show everything.
type Troubles = Arc<Mutex<BTreeMap<Listing, String>>>;

/// What one watch follows: a kind by its plural, in one namespace or in all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Listing {
    kind: String,
    namespace: Option<String>,
}

impl Listing {
    /// Whether objects of this namespace are in it.
    fn covers(&self, namespace: &str) -> bool {
        self.namespace.as_ref().is_none_or(|own| own == namespace)
    }
}

impl std::fmt::Display for Listing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(formatter, "{} of namespace {namespace}", self.kind),
            None => write!(formatter, "{}", self.kind),
        }
    }
}

impl Index {
    /// Starts watching, in these namespaces or, when none is named, in all. Pairs for which something changed
    /// come out of the channel.
    pub fn start(
        client: &Client,
        namespaces: &BTreeSet<String>,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<PairName>) {
        let (queue, changes) = mpsc::unbounded_channel();
        let (first, objects) = mpsc::unbounded_channel();
        let troubles = Troubles::default();
        let index = Arc::new(Self {
            pairs: Stores::watch(client, namespaces, &first, &troubles),
            volumes: Stores::watch(client, namespaces, &first, &troubles),
            floating_ips: Stores::watch(client, namespaces, &first, &troubles),
            groups: Stores::watch(client, namespaces, &first, &troubles),
            troubles,
        });
        essential(
            "following changes",
            sources::follow(client.clone(), index.clone(), objects, queue),
        );
        (index, changes)
    }

    /// What there is about a pair, or why that is not known completely.
    pub fn snapshot(&self, name: &PairName) -> Result<Snapshot, String> {
        match self.trouble_with(|listing| listing.covers(&name.namespace)) {
            Some(trouble) => Err(trouble),
            None => Ok(self.known(name)),
        }
    }

    /// What there is about a pair as far as it is known. Good for telling people, not for deciding anything.
    pub fn known(&self, name: &PairName) -> Snapshot {
        let mut unknown = Vec::new();
        Snapshot {
            pair: self.pairs.of_pair(name, &mut unknown).pop(),
            volumes: self.volumes.of_pair(name, &mut unknown),
            floating_ips: self.floating_ips.of_pair(name, &mut unknown),
            groups: self.groups.of_pair(name, &mut unknown),
            unknown,
        }
    }

    /// The kinds that cannot be listed, and why; none when everything is known.
    pub fn trouble(&self) -> Option<String> {
        self.trouble_with(|_| true)
    }

    fn trouble_with(&self, counts: impl Fn(&Listing) -> bool) -> Option<String> {
        let troubles = self
            .troubles
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let counting = troubles.iter().filter(|(listing, _)| counts(listing));
        let told: Vec<_> = counting
            .map(|(listing, why)| format!("{listing} cannot be listed: {why}"))
            .collect();
        (!told.is_empty()).then(|| told.join("; "))
    }

    /// Every pair that exists or that a child names.
    pub fn names(&self) -> Vec<PairName> {
        let mut names = [
            self.pairs.names(),
            self.volumes.names(),
            self.floating_ips.names(),
            self.groups.names(),
        ]
        .concat();
        names.sort();
        names.dedup();
        names
    }
}

fn pair_name<K: OfPair>(object: &K) -> PairName {
    PairName {
        namespace: object.namespace().unwrap_or_default(),
        name: object.pair(),
    }
}

/// The stores of a kind, one for each namespace that is watched by itself.
#[derive(Debug)]
struct Stores<K: OfPair>(Vec<Store<Declared<K>>>);

impl<K: OfPair> Stores<K> {
    fn watch(
        client: &Client,
        namespaces: &BTreeSet<String>,
        queue: &mpsc::UnboundedSender<PairName>,
        troubles: &Troubles,
    ) -> Self {
        let listing = |namespace: Option<&String>| Listing {
            kind: K::plural(&()).into_owned(),
            namespace: namespace.cloned(),
        };
        if namespaces.is_empty() {
            return Self(vec![watch(
                Api::all(client.clone()),
                listing(None),
                queue,
                troubles,
            )]);
        }
        let one = |namespace: &String| {
            watch(
                Api::namespaced(client.clone(), namespace),
                listing(Some(namespace)),
                queue,
                troubles,
            )
        };
        Self(namespaces.iter().map(one).collect())
    }

    /// The objects of a pair, by name; what is not understood of them is added.
    fn of_pair(&self, name: &PairName, unknown: &mut Vec<NotUnderstood>) -> Vec<Arc<K>> {
        let ours = |declared: &Declared<K>| pair_name(&*declared.object) == *name;
        let mut found: Vec<_> = self.0.iter().flat_map(|store| store.state_filter(ours)).collect();
        found.sort_by_key(|declared| declared.name_any());
        for declared in &found {
            let told = |what: &Unknown| NotUnderstood {
                kind: K::kind(&()).into_owned(),
                name: declared.name_any(),
                what: what.clone(),
            };
            unknown.extend(declared.unknown.iter().map(told));
        }
        found
            .into_iter()
            .map(|declared| declared.object.clone())
            .collect()
    }

    fn names(&self) -> Vec<PairName> {
        self.0
            .iter()
            .flat_map(Store::state)
            .map(|declared| pair_name(&*declared.object))
            .collect()
    }
}

/// Keeps a store of what this API lists.
fn watch<K: OfPair>(
    api: Api<Declared<K>>,
    listing: Listing,
    queue: &mpsc::UnboundedSender<PairName>,
    troubles: &Troubles,
) -> Store<Declared<K>> {
    let (store, writer) = reflector::store();
    set(troubles, &listing, Some("the first list has not arrived".into()));
    let (queue, troubles) = (queue.clone(), troubles.clone());
    let reader = store.clone();
    essential("a watch of objects", async move {
        let events = watcher(api, watcher::Config::default())
            .default_backoff()
            .reflect(writer);
        futures::pin_mut!(events);
        let mut marks = HashMap::new();
        while let Some(event) = events.next().await {
            match event {
                Ok(watcher::Event::Apply(object)) => {
                    // Our own statuses come back as changes, too, and must not make us look again.
                    if marks.insert(ObjectRef::from_obj(&object), mark(&*object.object))
                        != Some(mark(&*object.object))
                    {
                        // The receiver ends only with the program.
                        let _ = queue.send(pair_name(&*object.object));
                    }
                }
                Ok(watcher::Event::Delete(object)) => {
                    marks.remove(&ObjectRef::from_obj(&object));
                    let _ = queue.send(pair_name(&*object.object));
                }
                Ok(watcher::Event::InitDone) => {
                    set(&troubles, &listing, None);
                    for object in reader.state() {
                        let _ = queue.send(pair_name(&*object.object));
                    }
                }
                Ok(watcher::Event::Init) => marks.clear(),
                Ok(watcher::Event::InitApply(object)) => {
                    marks.insert(ObjectRef::from_obj(&object), mark(&*object.object));
                }
                // A watch that ended or expired starts again by itself; a list that is refused leaves us not
                // knowing.
                Err(watcher::Error::InitialListFailed(error)) => {
                    tracing::warn!(%listing, %error, "cannot list");
                    set(&troubles, &listing, Some(error.to_string()));
                    for object in reader.state() {
                        let _ = queue.send(pair_name(&*object.object));
                    }
                }
                // Among them: an object that cannot be read at all, whose change is not seen.
                Err(error) => tracing::warn!(%listing, %error, "the watch starts again"),
            }
        }
    });
    store
}

/// What of an object makes its pair worth another look: what people declare, and that it is being deleted.
fn mark<K: OfPair>(object: &K) -> impl PartialEq + Send + use<K> {
    let meta = object.meta().clone();
    (
        meta.uid,
        meta.generation,
        meta.deletion_timestamp,
        meta.annotations,
    )
}

fn set(troubles: &Troubles, listing: &Listing, trouble: Option<String>) {
    let mut troubles = troubles.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    match trouble {
        Some(why) => troubles.insert(listing.clone(), why),
        None => troubles.remove(listing),
    };
}
