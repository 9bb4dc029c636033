/// Native code: the C library, and for which platform libraries are, and where they lie once unpacked.
@NullMarked
package io.moetier.storage.platform;

import org.jspecify.annotations.NullMarked;
