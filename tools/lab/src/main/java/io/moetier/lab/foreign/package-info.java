/// Routing traces that other programs wrote, read as those of format moe-trace/1.
///
/// Files are read twice: once for the layers and experts that the header names, once for the tokens. Confined to one
/// thread; memory depends on the longest prompt and not on the length of the file.
@NullMarked
package io.moetier.lab.foreign;

import org.jspecify.annotations.NullMarked;
