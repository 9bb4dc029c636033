package io.moetier.cluster.membership.jgroups;

import java.util.List;
import org.jgroups.Address;
import org.jgroups.View;
import org.jgroups.ViewId;
import org.jgroups.util.UUID;

/// JGroups' names of members, as texts.
final class Addresses {
    /// What a process sees before it is a member.
    static final View NOBODY = new View(new ViewId(), List.of());

    private Addresses() {}

    /// Returns an address as a text that no two members have in common.
    static String id(Address address) {
        return address instanceof UUID uuid ? uuid.toStringLong() : address.toString();
    }
}
