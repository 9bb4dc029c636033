/// Pictures, from the bytes of a file to red, green and blue.
///
/// What a file says of itself is read here, within bounds, before anything is decoded; a decoder of Java's or of
/// TwelveMonkeys' is given the picture's own bytes and nothing else of the file. Values are immutable and may be shared
/// between threads; all memory is the Java heap's, but for what Java's decoder of JPEG takes.
@NullMarked
package io.moetier.runtime.image;

import org.jspecify.annotations.NullMarked;
