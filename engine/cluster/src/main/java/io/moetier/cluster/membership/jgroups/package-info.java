/// Membership by JGroups over connections of TLS 1.3. No byte of a stranger reaches JGroups.
@NullMarked
package io.moetier.cluster.membership.jgroups;

import org.jspecify.annotations.NullMarked;
