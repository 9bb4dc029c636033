package io.moetier.cli;

import java.io.IOException;
import java.lang.classfile.ClassBuilder;
import java.lang.classfile.ClassElement;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFile.ClassHierarchyResolverOption;
import java.lang.classfile.ClassFile.ConstantPoolSharingOption;
import java.lang.classfile.ClassFile.StackMapsOption;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeModel;
import java.lang.classfile.MethodBuilder;
import java.lang.classfile.MethodElement;
import java.lang.classfile.MethodModel;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Collections;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;

/// Writes the classes of a library anew in Java 8's format if they are in Java 5's: the same instructions, with the
/// frames by which the JVM verifies them.
///
/// The AOT cache of JDK 25 leaves out classes without frames. picocli's have none, and took a third of a short start.
final class NewerClassFiles {
    private static final String NOTICE = "META-INF/CHANGED-BY-MOETIER";
    private static final String CHANGE =
            "Class files of Java 5's format were written anew in Java 8's, with stack maps; nothing else was changed.\n";

    private NewerClassFiles() {}

    /// Replaces each jar named here that has such classes.
    ///
    /// @throws IOException if one cannot be read or written; it is then as it was
    public static void main(String[] jars) throws IOException {
        for (String jar : jars) {
            replace(Path.of(jar).toAbsolutePath());
        }
    }

    private static void replace(Path jar) throws IOException {
        Path anew = jar.resolveSibling(jar.getFileName() + ".new");
        try {
            if (write(jar, anew)) {
                Files.move(anew, jar, StandardCopyOption.ATOMIC_MOVE);
            }
        } finally {
            Files.deleteIfExists(anew);
        }
    }

    /// Returns whether `anew` differs from `jar`.
    private static boolean write(Path jar, Path anew) throws IOException {
        boolean differs = false;
        try (URLClassLoader library = new URLClassLoader(new URL[] {jar.toUri().toURL()});
                JarFile old = new JarFile(jar.toFile());
                JarOutputStream out = new JarOutputStream(Files.newOutputStream(anew))) {
            // a frame names what the types that meet there have in common, which the library's classes tell
            ClassFile format = ClassFile.of(
                    ConstantPoolSharingOption.NEW_POOL,
                    StackMapsOption.GENERATE_STACK_MAPS,
                    ClassHierarchyResolverOption.of(ClassHierarchyResolver.ofResourceParsing(library)));
            for (JarEntry entry : Collections.list(old.entries())) {
                byte[] bytes = old.getInputStream(entry).readAllBytes();
                if (entry.getName().endsWith(".class")) {
                    ClassModel found = format.parse(bytes);
                    if (found.majorVersion() < ClassFile.JAVA_6_VERSION) {
                        bytes = format.build(found.thisClass().asSymbol(), made -> copy(found, made));
                        differs = true;
                    }
                }
                put(out, entry.getName(), entry.getTime(), bytes);
            }
            if (differs) {
                put(out, NOTICE, 0, CHANGE.getBytes(StandardCharsets.US_ASCII));
            }
        }
        return differs;
    }

    private static void put(JarOutputStream out, String name, long time, byte[] bytes) throws IOException {
        JarEntry entry = new JarEntry(name);
        entry.setTime(time);
        out.putNextEntry(entry);
        out.write(bytes);
        out.closeEntry();
    }

    private static void copy(ClassModel found, ClassBuilder made) {
        for (ClassElement element : found) {
            switch (element) {
                case ClassFileVersion _ -> made.withVersion(ClassFile.JAVA_8_VERSION, 0);
                case MethodModel method ->
                    made.withMethod(
                            method.methodName(),
                            method.methodType(),
                            method.flags().flagsMask(),
                            copied -> copyMethod(method, copied));
                default -> made.with(element);
            }
        }
    }

    /// Code that is handed over as a whole is copied as it is, without frames.
    private static void copyMethod(MethodModel method, MethodBuilder made) {
        for (MethodElement element : method) {
            if (element instanceof CodeModel code) {
                made.withCode(copied -> code.forEach(copied));
            } else {
                made.with(element);
            }
        }
    }
}
