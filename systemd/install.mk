# `make install` and `make uninstall`.

.PHONY: install uninstall

# Where the files go. scripts/install.sh has the list of them, for `install` and `uninstall` alike.
LIBDIR ?= $(PREFIX)/lib
UNITDIR ?= $(PREFIX)/lib/systemd/system
DOCDIR ?= $(PREFIX)/share/doc/minimio
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
install_script = BUILD='$(BUILD)' VERSION='$(VERSION)' DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' LIBDIR='$(LIBDIR)' \
	UNITDIR='$(UNITDIR)' DOCDIR='$(DOCDIR)' ZSHDIR='$(ZSHDIR)' SHARED='$(SHARED)' SONAME='$(SONAME)' \
	SHARED_LINK='$(SHARED_LINK)' CLIENT_SONAME='$(CLIENT_SONAME)' PLATFORM='$(PLATFORM)' V='$(V)' \
	WITH_SYSTEMD='$(HAVE_SYSTEMD)' LDCONFIG='$(LDCONFIG)' scripts/install.sh

install: all
	@$(install_script) install

uninstall:
	@$(install_script) uninstall
