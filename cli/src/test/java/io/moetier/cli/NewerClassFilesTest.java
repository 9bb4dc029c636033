package io.moetier.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.classfile.ClassFile;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class NewerClassFilesTest {
    @TempDir
    Path directory = Path.of("");

    private Path jar = Path.of("");

    @BeforeEach
    void copyLibrary() throws IOException, URISyntaxException {
        jar = directory.resolve("picocli.jar");
        URL library = CommandLine.class.getProtectionDomain().getCodeSource().getLocation();
        Files.copy(Path.of(library.toURI()), jar);
    }

    /// The JVM verifies each class by its frames when it is initialized.
    @Test
    void everyClassGetsFramesThatAreRight() throws Exception {
        NewerClassFiles.main(new String[] {jar.toString()});
        int classes = 0;
        try (JarFile changed = new JarFile(jar.toFile());
                URLClassLoader loader =
                        new URLClassLoader(new URL[] {jar.toUri().toURL()}, null)) {
            for (JarEntry entry : Collections.list(changed.entries())) {
                if (entry.getName().matches("picocli/.*[.]class")) {
                    byte[] bytes = changed.getInputStream(entry).readAllBytes();
                    assertEquals(
                            ClassFile.JAVA_8_VERSION,
                            ClassFile.of().parse(bytes).majorVersion(),
                            entry.getName());
                    String name = entry.getName().replaceAll("[.]class$", "").replace('/', '.');
                    assertEquals(name, Class.forName(name, true, loader).getName());
                    classes++;
                }
            }
            assertTrue(classes > 100, "classes: " + classes);
            Class<?> help = Class.forName("picocli.CommandLine$HelpCommand", true, loader);
            assertEquals(
                    usage(CommandLine.HelpCommand.class, CommandLine.class),
                    usage(help, loader.loadClass("picocli.CommandLine")));
        }
    }

    /// Returns what a command prints of itself, by the library of that class.
    private static String usage(Class<?> command, Class<?> library) throws ReflectiveOperationException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        library.getMethod("usage", Object.class, PrintStream.class)
                .invoke(
                        null,
                        command.getConstructor().newInstance(),
                        new PrintStream(out, true, StandardCharsets.UTF_8));
        return out.toString(StandardCharsets.UTF_8);
    }

    @Test
    void whatElseIsInItStaysAndTheChangeIsSaid() throws IOException {
        List<String> before = others();
        NewerClassFiles.main(new String[] {jar.toString()});
        List<String> after = others();
        assertEquals(1, after.size() - before.size());
        assertTrue(after.containsAll(before), after.toString());
    }

    /// Returns name and checksum of each entry that is no class of the library.
    private List<String> others() throws IOException {
        try (JarFile read = new JarFile(jar.toFile())) {
            return Collections.list(read.entries()).stream()
                    .filter(entry -> !entry.getName().matches("picocli/.*[.]class"))
                    .map(entry -> entry.getName() + " " + entry.getCrc())
                    .toList();
        }
    }

    @Test
    void aJarWithoutSuchClassesIsLeftAlone() throws IOException {
        NewerClassFiles.main(new String[] {jar.toString()});
        byte[] once = Files.readAllBytes(jar);
        Object first = Files.readAttributes(jar, "unix:ino").get("ino");
        NewerClassFiles.main(new String[] {jar.toString()});
        assertArrayEquals(once, Files.readAllBytes(jar));
        assertEquals(first, Files.readAttributes(jar, "unix:ino").get("ino"));
        assertOnlyTheJarIsThere();
    }

    @Test
    void whatIsNoJarStaysAsItIs() throws IOException {
        byte[] half = Files.readAllBytes(jar);
        Files.write(jar, Arrays.copyOf(half, half.length / 2));
        assertThrows(IOException.class, () -> NewerClassFiles.main(new String[] {jar.toString()}));
        assertEquals(half.length / 2, Files.size(jar));
        assertOnlyTheJarIsThere();
    }

    private void assertOnlyTheJarIsThere() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            assertEquals(List.of(jar), files.toList());
        }
    }
}
