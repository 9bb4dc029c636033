/// NVIDIA's driver through LWJGL: calls that are checked, handles that are closed.
///
/// A context is current on a thread, and what it made is used there: [CudaContext#makeCurrent] comes first
/// on every thread. Device memory, pinned memory and handles belong to whoever made them, who closes them
/// before the context.
@NullMarked
package io.moetier.kernels.cuda.driver;

import org.jspecify.annotations.NullMarked;
