package io.moetier.cluster.membership.jgroups;

import io.moetier.cluster.membership.Membership;
import java.util.List;
import java.util.function.Predicate;
import org.jgroups.Address;
import org.jgroups.Event;
import org.jgroups.protocols.DISCARD;
import org.jgroups.protocols.TCP;
import org.jgroups.protocols.pbcast.GMS;
import org.jgroups.stack.ProtocolStack;

/// Cuts one member off from all others of its cluster, as a network that is cut in two does, until it falls.
public final class Wall {
    private final DISCARD discard = new DISCARD();

    private Wall() {}

    /// Stands around a member from now on. Both sides notice it at once, as they would after some seconds.
    ///
    /// @param leader of the cluster, which is another member
    public static Wall around(Membership member, Membership leader) throws Exception {
        JGroupsMembership inside = (JGroupsMembership) member;
        JGroupsMembership outside = (JGroupsMembership) leader;
        Wall wall = new Wall();
        wall.discard.discardAll(true);
        inside.channel.getProtocolStack().insertProtocol(wall.discard, ProtocolStack.Position.ABOVE, TCP.class);
        Address own = inside.channel.address();
        suspect(inside, address -> !address.equals(own));
        suspect(outside, own::equals);
        return wall;
    }

    private static void suspect(JGroupsMembership member, Predicate<Address> who) {
        List<Address> suspects =
                member.channel.view().getMembers().stream().filter(who).toList();
        member.channel.getProtocolStack().<GMS>findProtocol(GMS.class).up(new Event(Event.SUSPECT, suspects));
    }

    /// Lets both sides hear each other again.
    public void fall() {
        discard.discardAll(false);
    }
}
