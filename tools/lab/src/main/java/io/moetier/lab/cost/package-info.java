/// What decoding costs on a machine, in time: measured, kept in a file, and predicted with.
@NullMarked
package io.moetier.lab.cost;

import org.jspecify.annotations.NullMarked;
