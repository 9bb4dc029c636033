package io.moetier.cli.cluster;

import io.moetier.cli.option.ClusterOptions;
import io.moetier.cli.terminal.ProgramVersion;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.cluster.membership.ClusterSettings;
import io.moetier.cluster.membership.Member;
import io.moetier.cluster.membership.Membership;
import io.moetier.cluster.membership.Offer;
import java.io.IOException;
import java.util.List;

/// A short stay in a cluster, to look or to ask for something.
final class ClusterVisit {
    private ClusterVisit() {}

    /// Joins a cluster that is there. Without other words its members are looked for on this machine.
    static Membership of(ClusterOptions options, Surroundings surroundings) throws IOException {
        ClusterSettings settings = options.settingsOfGuest()
                .orElseThrow(() -> new IllegalArgumentException("--cluster NAME says which cluster"));
        Offer offer = new Offer(Offer.Role.OBSERVER, "", 0, 0, 0, "", ProgramVersion.get());
        return ClusterOptions.join(settings, surroundings, "visitor", offer);
    }

    static List<Member> others(Membership membership) {
        String self = membership.self().id();
        return membership.members().stream()
                .filter(member -> !member.id().equals(self))
                .toList();
    }
}
