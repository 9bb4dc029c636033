/// The code that the interpreter runs: one [Op] for each instruction, with everything looked up already.
@NullMarked
package io.moetier.emulator.ptx.code;

import org.jspecify.annotations.NullMarked;
