"""`--local DIR`: a folder on this machine in the place of git's."""

from pathlib import Path

from holdfast.cli.pflag import Flag, RefusedError, Values

LOCAL_FLAGS = (
    Flag("local", "Folder on this machine instead of git.", metavar="DIR"),
    Flag(
        "local-repo-root",
        "Root of the repository of --local; else the git repository around it.",
        metavar="DIR",
    ),
)


def local_folder(values: Values) -> str:
    """Return `ROOT//PATH` for the folder of `--local`, `""` without that flag.

    The root bounds what a kustomization may refer to (`../../base`). It is `--local-repo-root`
    where that is given, else the git repository around the folder, else the folder itself.

    Raises:
        RefusedError: there is no such folder.
    """
    if not values.is_given("local"):
        return ""
    folder = Path(values.text("local")).resolve()
    if not folder.is_dir():
        raise RefusedError(f"--local {values.text('local')}: there is no such folder")
    if values.is_given("local-repo-root"):
        root = Path(values.text("local-repo-root")).resolve()
    else:
        around = (parent for parent in (folder, *folder.parents) if (parent / ".git").exists())
        root = next(around, folder)
    path = folder.relative_to(root) if folder.is_relative_to(root) else folder
    return f"{root}//{path}"
