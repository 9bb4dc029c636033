/// What a backend must offer: buffers and kernels, one method per operation of the literature.
@NullMarked
package io.moetier.kernels.device;

import org.jspecify.annotations.NullMarked;
