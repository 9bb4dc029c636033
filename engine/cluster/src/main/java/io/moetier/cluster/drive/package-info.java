/// A driver: sends each layer's rows to the nodes that have the experts, and computes what they do not.
@NullMarked
package io.moetier.cluster.drive;

import org.jspecify.annotations.NullMarked;
