/// What commands say and hear: streams, errors, files that are written, and the surroundings of the process.
@NullMarked
package io.moetier.cli.terminal;

import org.jspecify.annotations.NullMarked;
