package io.moetier.cluster.drive;

import io.moetier.cluster.link.NodeLink;
import io.moetier.cluster.membership.Member;

/// Opens the way to a node.
interface NodeOpener {
    /// Opens the way to a node, and waits until the node has taken this driver.
    ///
    /// @throws io.moetier.cluster.link.RefusedException if one of them does not deal with the other
    /// @throws java.io.UncheckedIOException if the node does not answer
    NodeLink open(Member member);
}
