/// What this machine offers.
@NullMarked
package io.moetier.cli.doctor;

import org.jspecify.annotations.NullMarked;
