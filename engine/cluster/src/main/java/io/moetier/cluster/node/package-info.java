/// A node: holds experts of models and computes them where they lie.
@NullMarked
package io.moetier.cluster.node;

import org.jspecify.annotations.NullMarked;
