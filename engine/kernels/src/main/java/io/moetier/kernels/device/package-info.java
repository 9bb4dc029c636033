/// What every device offers: buffers, and kernels, one method for each operation of the literature, which are checked
/// in front of the backend that computes them.
@NullMarked
package io.moetier.kernels.device;

import org.jspecify.annotations.NullMarked;
