/// The way of a token between a driver and a node: one stream, both ways.
@NullMarked
package io.moetier.cluster.link;

import org.jspecify.annotations.NullMarked;
