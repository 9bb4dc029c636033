/// From a picture to the `pixel_values` that a model's vision tower takes, as the processors of the hub compute them.
///
/// Nothing here knows a tower. Values are immutable, but for the arrays they hand out, and may be shared between
/// threads; all memory is the Java heap's.
@NullMarked
package io.moetier.runtime.image.processor;

import org.jspecify.annotations.NullMarked;
