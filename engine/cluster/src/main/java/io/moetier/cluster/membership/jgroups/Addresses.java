package io.moetier.cluster.membership.jgroups;

import org.jgroups.Address;
import org.jgroups.util.UUID;

/// JGroups' names of members, as texts.
final class Addresses {
    private Addresses() {}

    /// Returns an address as a text that no two members have in common.
    static String id(Address address) {
        return address instanceof UUID uuid ? uuid.toStringLong() : address.toString();
    }
}
