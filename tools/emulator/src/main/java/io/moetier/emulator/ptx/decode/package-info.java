/// From instructions as they are written to code: a decoder for each group of instructions, and the registers and
/// variables of a kernel.
@NullMarked
package io.moetier.emulator.ptx.decode;

import org.jspecify.annotations.NullMarked;
