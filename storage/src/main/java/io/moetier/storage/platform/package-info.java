/// Native libraries: for which platform, and where they lie once unpacked.
@NullMarked
package io.moetier.storage.platform;

import org.jspecify.annotations.NullMarked;
