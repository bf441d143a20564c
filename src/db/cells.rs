//! Conversion between columns and values: the required form of a cell, and an error with table, column and row if a
//! cell does not have it.

use super::error::{DbError, DbResult};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{Row, ffi};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Reads a row from left to right. The first column must identify the row in an error.
pub(super) struct Cells<'r, 's> {
    row: &'r Row<'s>,
    table: &'static str,
    next: usize,
}

impl<'r, 's> Cells<'r, 's> {
    pub(super) fn new(row: &'r Row<'s>, table: &'static str) -> Self {
        Cells { row, table, next: 0 }
    }

    /// Returns the next cell.
    pub(super) fn take<T: FromSql>(&mut self) -> DbResult<T> {
        let index = self.next;
        self.next = index.saturating_add(1);
        self.row.get(index).map_err(|error| match error.sqlite_error() {
            // A damaged page under the row is not an invalid value.
            Some(ffi::Error { .. }) => DbError::Sqlite(error),
            None => self.bad(error.to_string()),
        })
    }

    /// Returns the next cell, which is one of the names that `from` knows.
    pub(super) fn name<T>(&mut self, from: impl FnOnce(&str) -> Option<T>) -> DbResult<T> {
        let text: String = self.take()?;
        from(&text).ok_or_else(|| self.bad(format!("`{}` is not one of its values", text.escape_debug())))
    }

    /// Returns the next cell, which is NULL or one of the names that `from` knows.
    pub(super) fn name_or_null<T>(&mut self, from: impl FnOnce(&str) -> Option<T>) -> DbResult<Option<T>> {
        let Some(text) = self.take::<Option<String>>()? else { return Ok(None) };
        match from(&text) {
            Some(value) => Ok(Some(value)),
            None => Err(self.bad(format!("`{}` is not one of its values", text.escape_debug()))),
        }
    }

    pub(super) fn path(&mut self) -> DbResult<PathBuf> {
        Ok(self.take::<PathCell>()?.0)
    }

    pub(super) fn path_or_null(&mut self) -> DbResult<Option<PathBuf>> {
        Ok(self.take::<Option<PathCell>>()?.map(|cell| cell.0))
    }

    /// Returns the next cell, a size or a number of things.
    pub(super) fn count(&mut self) -> DbResult<u64> {
        Ok(self.take::<CountCell>()?.0)
    }

    pub(super) fn count_or_null(&mut self) -> DbResult<Option<u64>> {
        Ok(self.take::<Option<CountCell>>()?.map(|cell| cell.0))
    }

    /// Returns the next cell, a u64 stored bit for bit.
    pub(super) fn bits(&mut self) -> DbResult<u64> {
        Ok(self.take::<i64>()?.cast_unsigned())
    }

    pub(super) fn bits_or_null(&mut self) -> DbResult<Option<u64>> {
        Ok(self.take::<Option<i64>>()?.map(i64::cast_unsigned))
    }

    /// Creates an error about the cell that was read last.
    pub(super) fn bad(&self, why: impl Into<String>) -> DbError {
        let index = self.next.saturating_sub(1);
        DbError::BadValue {
            table: self.table,
            column: self.row.as_ref().column_name(index).map_or_else(|_| format!("number {index}"), str::to_owned),
            row: self.row.get_ref(0).map_or_else(|error| error.to_string(), shown),
            why: why.into(),
        }
    }
}

fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).escape_debug().to_string(),
    }
}

struct PathCell(PathBuf);

impl FromSql for PathCell {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(PathCell(PathBuf::from(OsString::from_vec(value.as_blob()?.to_vec()))))
    }
}

struct CountCell(u64);

impl FromSql for CountCell {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        u64::try_from(number).map(CountCell).map_err(|_| FromSqlError::OutOfRange(number))
    }
}

/// Returns the raw bytes of a path.
pub(super) fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

/// Converts a size or a number of things for a column that sorts and sums. Every value from stat(2) fits.
pub(super) fn count(value: u64, what: &'static str) -> DbResult<i64> {
    i64::try_from(value).map_err(|_| DbError::Contradiction(format!("{what} is {value}")))
}

/// Converts any u64 bit for bit: device and inode numbers, and numbers that come only from a header.
pub(super) fn bits(value: u64) -> i64 {
    value.cast_signed()
}
