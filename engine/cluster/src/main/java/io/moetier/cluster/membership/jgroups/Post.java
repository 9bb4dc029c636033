package io.moetier.cluster.membership.jgroups;

import org.jgroups.Address;

/// Sends frames to members.
interface Post {
    /// Sends a frame to a member now; waits while it is behind with reading.
    void send(Address member, byte[] frame);

    /// Sends a frame to a member soon, after those that were to be sent soon before.
    void sendSoon(Address member, byte[] frame);

    /// Sends a frame to all members soon, this one among them.
    void sendAllSoon(byte[] frame);
}
