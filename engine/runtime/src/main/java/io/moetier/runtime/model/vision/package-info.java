/// The tower that makes rows of the residual stream of images, and what a session keeps of them.
@NullMarked
package io.moetier.runtime.model.vision;

import org.jspecify.annotations.NullMarked;
