/// Files that are there only while somebody works at them: locks, files that are not whole yet, and what killed
/// processes left of both.
@NullMarked
package io.moetier.storage.file;

import org.jspecify.annotations.NullMarked;
