//! What the hosts have a say in: ids and numbers are chosen once, and what the cluster and the hosts have counts.

use hapair_model::{Both, desired::Desired, observed::HostView};

use crate::{live, platform::Platform, released, takeover, whole};

/// The declared state as the hosts have it.
pub fn resolve(mut desired: Desired, observed: &Both<HostView>) -> Desired {
    for part in whole::parts() {
        (part.resolve)(&mut desired, observed);
    }
    desired.ids.clear();
    // A host that is joining has a configuration of its own for a while: the cluster's counts.
    let live =
        live::member(observed).and_then(|host| Some((host.cib.as_ref()?, Platform::of(&host.distribution)?)));
    let hosts: Vec<_> = observed.iter().filter_map(|(_, view)| view.host()).collect();
    released::forget(&mut desired, &hosts, live.as_ref().map(|(cib, _)| *cib));
    desired.ids = live
        .map(|(cib, platform)| takeover::ids(cib, &desired, &platform))
        .unwrap_or_default();
    desired
}
