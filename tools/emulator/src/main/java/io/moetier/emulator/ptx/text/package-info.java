/// The text of PTX: tokens, declarations and instructions as they are written.
@NullMarked
package io.moetier.emulator.ptx.text;

import org.jspecify.annotations.NullMarked;
