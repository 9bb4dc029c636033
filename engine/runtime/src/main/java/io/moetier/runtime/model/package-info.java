/// The forward pass in the order of the papers, assembled from declarative family descriptions.
@NullMarked
package io.moetier.runtime.model;

import org.jspecify.annotations.NullMarked;
