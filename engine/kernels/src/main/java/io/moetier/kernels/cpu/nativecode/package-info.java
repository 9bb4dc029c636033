/// The loops in C, through the foreign function interface, and the test that they pass before they are used.
@NullMarked
package io.moetier.kernels.cpu.nativecode;

import org.jspecify.annotations.NullMarked;
